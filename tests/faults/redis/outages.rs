//! P3 with a server that is away, or there without working.

use test_support::{Client, RedisServer};
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::sleep,
};

use super::{case, far, impostor::Impostor};
use crate::{
    driver::{Far, PROMISE, Trial, build, millis},
    suite::{Case, Row},
};

/// A script that keeps the server busy for so many milliseconds.
const BUSY: &str = "
    local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
    local stop = now() + ARGV[1]
    while now() < stop do end";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(23, "restarted, LOADING for 2 s", PROMISE, loading),
        case(24, "busy with a script for 2 s", PROMISE, busy),
        case(35, "restarted from an old snapshot", "all misses", restored),
        case(0, "answers garbage for 4 s", PROMISE, garbage),
        case(0, "no such host", PROMISE, nowhere),
    ]
}

async fn loading() -> Row {
    let server = RedisServer::start(&["--enable-debug-command", "yes"]);
    let trial = Trial::healthy(&far(&server)).await;
    server.raw(&["DEBUG", "POPULATE", "3000"]);
    server.raw(&["SAVE"]);
    let addr = server.addr();
    let outage = trial.begin();
    let restarting = spawn_blocking(move || {
        let step = ["--loading-process-events-interval-bytes", "1024"];
        let slowly = ["--key-load-delay", "700"];
        server.restart_with(&[step, slowly].concat());
        server
    });
    let mut loads = false;
    while !restarting.is_finished() {
        let asked = block_in_place(|| Client::connect(addr)?.command(&["GET", "any"]));
        loads |= asked.is_ok_and(|answer| {
            let text = answer.text();
            text.is_some_and(|text| text.starts_with("LOADING"))
        });
        sleep(millis(20)).await;
    }
    let _server = restarting.await.expect("it starts");
    let mut row = outage.over().await;
    row.must(loads, || "nobody was told that it loads".to_owned());
    row
}

async fn busy() -> Row {
    let server = RedisServer::start(&["--busy-reply-threshold", "300"]);
    let trial = Trial::healthy(&far(&server)).await;
    let mut client = server.client();
    let outage = trial.begin();
    let busy = spawn_blocking(move || client.command(&["EVAL", BUSY, "0", "2000"]));
    let ended = busy.await.expect("does not panic").expect("is answered");
    assert!(!ended.is_error(), "{ended:?}");
    outage.over().await
}

async fn garbage() -> Row {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&far(&server)).await;
    let outage = trial.begin();
    block_in_place(|| server.kill());
    let impostor = Impostor::start(server.addr());
    sleep(millis(4_000)).await;
    block_in_place(|| drop(impostor));
    block_in_place(|| server.restart());
    outage.over().await
}

async fn nowhere() -> Row {
    let far = Far::Redis("redis://no-such-host.invalid:6379".to_owned());
    let trial = Trial::broken(&far);
    let outage = trial.began();
    sleep(millis(1_500)).await;
    outage.goes_on()
}

async fn restored() -> Row {
    let server = RedisServer::start(&[]);
    let far = far(&server);
    let cache = build(far.patient());
    let keys = ["rows:1", "others:1"];
    for key in keys {
        cache.set(key, &1_u64).await.expect("a healthy store");
    }
    server.raw(&["SAVE"]);
    cache.remove_prefix("rows").await.expect("a healthy store");
    block_in_place(|| server.restart());
    let back = server.raw(&["EXISTS", "larder:e:rows:1", "larder:e:others:1"]);
    assert_eq!(back.int(), Some(2), "they are there again");
    let mut row = Row::default();
    let mut found = 0;
    // Who was connected before, and who was not.
    for cache in [cache, build(far.patient())] {
        for key in keys {
            // The first may meet the closed connection.
            let mut read = cache.get::<u64>(key).await;
            for _ in 0..500 {
                if read.is_ok() {
                    break;
                }
                sleep(millis(5)).await;
                read = cache.get(key).await;
            }
            row.calls += 1;
            row.must(read.is_ok(), || format!("{key}: {read:?}"));
            found += usize::from(read.is_ok_and(|read| read.is_some()));
        }
    }
    row.must(found == 0, || format!("{found} old values are read"));
    row.stale = Some(found);
    row
}
