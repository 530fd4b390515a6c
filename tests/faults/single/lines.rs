//! P3 with a server that works, at the end of a line that does not.

use std::{sync::Arc, time::Duration};

use test_support::{Fault, FaultProxy, Links, Way};
use tokio::time::{sleep, timeout};

use super::{Server, behind_a_proxy, case};
use crate::{
    driver::{NEVER, PROMISE, Race, Trial, millis, until},
    suite::{Case, Row},
};

pub(super) fn cases<S: Server>() -> Vec<Case> {
    let storm = "P3, at most 40 connections";
    vec![
        case::<S, _>(
            12,
            "established links swallow bytes",
            PROMISE,
            half_open::<S>,
        ),
        case::<S, _>(13, "all links swallow bytes for 3 s", PROMISE, silent::<S>),
        case::<S, _>(
            13,
            "silent from the first use, for 3 s",
            PROMISE,
            silent_from_the_first_use::<S>,
        ),
        case::<S, _>(14, "each connection reset for 3 s", storm, reset::<S>),
        case::<S, _>(15, "replies 20 ms later, 2 s", PROMISE, || late::<S>(20)),
        case::<S, _>(15, "replies 100 ms later, 2 s", PROMISE, || late::<S>(100)),
        case::<S, _>(15, "replies 300 ms later, 2 s", PROMISE, || late::<S>(300)),
        case::<S, _>(15, "replies 700 ms later, 2 s", PROMISE, || late::<S>(700)),
        case::<S, _>(16, "50 kB/s, values of 100 kB, 3 s", PROMISE, narrow::<S>),
        case::<S, _>(
            17,
            "one byte per segment",
            "no error, all values right",
            bytewise::<S>,
        ),
    ]
}

async fn half_open<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let trial = Trial::healthy(&far).await;
    let before = proxy.traffic().connections;
    let outage = trial.begin();
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    let mut row = outage.over().await;
    let connections = proxy.traffic().connections - before;
    row.must(connections > 0, || "no new connection".to_owned());
    row
}

async fn silent<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let trial = Trial::healthy(&far).await;
    let outage = trial.begin();
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    sleep(millis(3_000)).await;
    proxy.set(Fault::None);
    outage.over().await
}

async fn silent_from_the_first_use<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    let trial = Trial::broken(&far);
    let outage = trial.began();
    sleep(millis(3_000)).await;
    proxy.set(Fault::None);
    outage.over().await
}

async fn reset<S: Server>() -> Row {
    let server = S::start();
    // A line of its own for each process, to count by.
    let proxies = [(); 2].map(|()| FaultProxy::start(server.addr()));
    let [[far_only, _], [_, both]] = proxies
        .each_ref()
        .map(|proxy| S::far(proxy.addr()).processes());
    let trial = Trial::over([far_only, both]).await;
    let connections = || proxies.each_ref().map(|proxy| proxy.traffic().connections);
    let before = connections();
    let outage = trial.begin();
    for proxy in &proxies {
        proxy.set(Fault::Reset);
        proxy.reset_links();
    }
    sleep(millis(3_000)).await;
    let tried = connections();
    for proxy in &proxies {
        proxy.set(Fault::None);
    }
    let mut row = outage.over().await;
    for (before, tried) in before.into_iter().zip(tried) {
        let tried = tried - before;
        row.must((2..=40).contains(&tried), || {
            format!("{tried} connections in 3 s")
        });
    }
    row
}

async fn late<S: Server>(late: u64) -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let trial = Trial::healthy(&far).await;
    let outage = trial.begin();
    proxy.set(Fault::Delay {
        requests: Duration::ZERO,
        replies: millis(late),
    });
    sleep(millis(2_000)).await;
    proxy.set(Fault::None);
    outage.over().await
}

/// Somebody asks for large values all the time, over a line that takes two seconds for each.
async fn narrow<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let trial = Trial::healthy(&far).await;
    let large = "x".repeat(100_000);
    let [cache, _] = trial.caches();
    let set = cache.set("large", &large).await;
    set.expect("a healthy store takes it");
    let outage = trial.begin();
    proxy.set(Fault::Rate(50_000));
    let greedy = async {
        loop {
            // Whether it comes or not: what counts is what it does to others.
            let _ = cache.get::<String>("large").await;
            sleep(millis(20)).await;
        }
    };
    let _ = timeout(millis(3_000), greedy).await;
    proxy.set(Fault::None);
    outage.over().await
}

async fn bytewise<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    proxy.set(Fault::OneByte);
    let race = Race::both(&far);
    let cache = &race.caches()[0];
    let mut row = Row::default();
    let round = async {
        cache.get::<u64>("rows:0").await?;
        for size in [0, 1, 200, 20_000] {
            let value: Vec<u64> = (0..size).collect();
            let name = format!("values:{size}");
            cache.set(&name, &value).await?;
            let other = Race::far_only(&far);
            let read = other.caches()[0].get::<Vec<u64>>(&name).await?;
            row.calls += 2;
            row.must(read == Some(value), || format!("{size} numbers differ"));
            cache.remove(&name).await?;
        }
        Ok::<_, larder::Error>(())
    };
    let ended = timeout(NEVER, round).await.map_err(|_| "hangs");
    row.must(matches!(ended, Ok(Ok(()))), || format!("{ended:?}"));
    let fed = !S::FED || until(|| cache.stats().feed_alive).await.is_some();
    row.must(fed, || "the feed does not come up".to_owned());
    let raced = Arc::clone(&race).run(millis(2_000), async {}).await;
    let raced = raced.fresh();
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors == 0, || {
        format!("{errors} calls of the store failed")
    });
    Row {
        calls: row.calls + raced.calls,
        broken: [row.broken, raced.broken].concat(),
        ..raced
    }
}
