//! A server or a line that goes away costs the calls of that time, little each, and nothing more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::ErrorKind;
use test_support::{Fault, FaultProxy, Links, RedisServer, Way};
use tokio::time::{sleep, timeout};

use crate::probe::{
    Calls, MINE, SLACK, back_within, call, invalidate, prepare, read, read_during, store,
};

/// Runs what blocks beside the calls of a test.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("does not panic")
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// No call, whatever befell it, took longer than the deadline.
fn assert_in_time(calls: &Calls) {
    let slowest = calls.slowest();
    assert!(slowest < Redis::DEADLINE + SLACK, "a call took {slowest:?}");
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_found_when_it_comes() {
    let server = RedisServer::start(&[]);
    server.kill();
    let redis = Redis::connect(server.url()).unwrap();

    let first = call(&redis).await;
    let error = first.error.expect("nobody is there").to_string();
    assert!(
        first.took < millis(100),
        "the first call took {:?}",
        first.took
    );
    let expected = format!(
        "cache unavailable: reading from redis at {}: not connected",
        server.addr()
    );
    assert!(error.starts_with(&expected), "{error}");

    let calls = read_during(&redis, sleep(millis(500))).await;
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );
    let server = blocking(move || {
        server.restart();
        server
    });
    let _server = server.await;
    back_within(&redis, millis(1000)).await;
}

#[tokio::test]
async fn killed_connections_are_replaced_at_once() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    let server = Arc::new(server);
    let admin = Arc::clone(&server);
    let killing = blocking(move || {
        for _ in 0..40 {
            admin.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
            std::thread::sleep(millis(100));
        }
    });
    let calls = read_during(&redis, killing).await;
    let gaps = calls.gaps();
    let long = gaps.iter().filter(|gap| **gap > millis(200)).count();
    // A busy machine may stand still once or twice by itself.
    assert!(long <= 2, "no call succeeded for {gaps:?}");
    let connected = server.info("total_connections_received").unwrap();
    let connected: u32 = connected.parse().unwrap();
    assert!(
        connected > 20,
        "{connected} connections are not one after each kill"
    );
    assert_in_time(&calls);
}

#[tokio::test]
async fn a_connection_that_is_closed_while_idle_costs_no_call() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    for _ in 0..3 {
        assert!(call(&redis).await.error.is_none());
        server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
        // Well before the next heartbeat.
        sleep(millis(150)).await;
    }
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    server.kill();
    let calls = read_during(&redis, sleep(millis(2000))).await;
    assert!(
        calls
            .errors()
            .all(|error| error.kind() == ErrorKind::Unavailable)
    );
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );
    assert_in_time(&calls);

    let _server = blocking(move || {
        server.restart();
        server
    })
    .await;
    back_within(&redis, millis(1000)).await;
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_deadline_and_then_nothing() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    server.stop();
    let calls = read_during(&redis, sleep(millis(3000))).await;
    assert_in_time(&calls);
    let slow = calls.0.iter().filter(|call| call.took > millis(100));
    assert_eq!(slow.count(), 3, "then it is known to be away");
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );

    server.cont();
    back_within(&redis, millis(1000)).await;
}

/// What was asked of a server while it hung is done when it goes on, and does no harm then.
#[tokio::test]
async fn a_store_that_was_given_up_never_overwrites_what_came_after_it() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(prepare(&redis, "slot", &[]).await.unwrap().leased);

    server.stop();
    let late = store(&redis, "slot", b"old").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Unavailable);
    let removed = invalidate(&redis, &["slot"], &[]).await.unwrap_err();
    assert_eq!(removed.kind(), ErrorKind::Unavailable, "loudly");
    server.cont();

    back_within(&redis, millis(1000)).await;
    invalidate(&redis, &["slot"], &[]).await.unwrap();
    sleep(millis(300)).await;
    assert_eq!(read(&redis, "slot").await.unwrap(), None);
}

#[tokio::test]
async fn a_half_open_link_is_replaced() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    let before = proxy.traffic().connections;

    let links = Links::Established;
    proxy.set(Fault::Swallow {
        links,
        way: Way::Both,
    });
    back_within(&redis, millis(1500)).await;
    assert!(proxy.traffic().connections > before);
}

/// Callers may give up earlier than the store does, so that it sees no failure of its own.
#[tokio::test]
async fn a_half_open_link_is_replaced_also_for_impatient_callers() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    let links = Links::Established;
    let way = Way::Both;
    proxy.set(Fault::Swallow { links, way });
    let start = Instant::now();
    while !matches!(timeout(millis(50), read(&redis, "name")).await, Ok(Ok(_))) {
        let late = start.elapsed();
        assert!(late < millis(1000), "still failing after {late:?}");
        sleep(millis(10)).await;
    }
}

/// Heartbeats find it before a caller does.
#[tokio::test]
async fn a_half_open_link_that_nobody_uses_is_replaced_too() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    let before = proxy.traffic().connections;

    let links = Links::Established;
    proxy.set(Fault::Swallow {
        links,
        way: Way::Both,
    });
    let start = Instant::now();
    while proxy.traffic().connections == before {
        assert!(start.elapsed() < millis(2500), "nobody has noticed");
        sleep(millis(10)).await;
    }
    sleep(millis(100)).await;
    assert!(call(&redis).await.error.is_none(), "no call had to fail");
}

#[tokio::test]
async fn a_line_that_swallows_everything_is_found_again() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    let calls = read_during(&redis, sleep(millis(5000))).await;
    assert_in_time(&calls);
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );
    proxy.set(Fault::None);
    back_within(&redis, millis(1500)).await;
}

#[tokio::test]
async fn a_server_that_resets_is_not_stormed() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    let writing = invalidate(&redis, &["slot"], &[]);
    assert!(call(&redis).await.error.is_none() && writing.await.is_ok());
    let before = proxy.traffic().connections;

    proxy.set(Fault::Reset);
    proxy.reset_links();
    let calls = read_during(&redis, sleep(millis(3000))).await;
    assert_in_time(&calls);
    let tried = proxy.traffic().connections - before;
    assert!((2..=40).contains(&tried), "{tried} connections in 3 s");
    proxy.set(Fault::None);
    back_within(&redis, millis(1000)).await;
}

#[tokio::test]
async fn a_slow_line_is_held_to_the_deadline() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(call(&redis).await.error.is_none());

    let late = |replies| Fault::Delay {
        requests: Duration::ZERO,
        replies,
    };
    proxy.set(late(millis(100)));
    let calls = read_during(&redis, sleep(millis(1000))).await;
    assert_eq!(calls.errors().count(), 0, "slow is not dead");
    proxy.set(late(millis(700)));
    let calls = read_during(&redis, sleep(millis(3000))).await;
    assert_in_time(&calls);
    assert!(calls.errors().count() > 0);
    proxy.set(Fault::None);
    back_within(&redis, millis(1500)).await;
}

#[tokio::test]
async fn the_bytes_may_come_one_by_one() {
    use cache_core::testkit::far;

    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    proxy.set(Fault::OneByte);
    far::values_come_back_in_the_order_asked(&redis).await;
    far::stamps_are_given_in_the_order_asked(&redis).await;
    far::a_store_replaces_the_header_it_names(&redis).await;
    far::notices_arrive_in_order_and_on_their_channel_only(&redis).await;
}

/// Wherever a reply is cut, what comes back is the right value or an error.
#[tokio::test]
async fn a_reply_that_is_cut_is_never_a_value() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(prepare(&redis, "slot", &[]).await.unwrap().leased);
    assert!(store(&redis, "slot", b"payload").await.unwrap());
    let whole = [&MINE[..], b"payload"].concat();

    let mut errors = 0;
    for bytes in 0..40 {
        back_within(&redis, millis(1000)).await;
        proxy.set(Fault::CutReplies(bytes));
        match read(&redis, "slot").await {
            Ok(value) => assert_eq!(value.as_deref(), Some(&*whole), "after {bytes} bytes"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                errors += 1;
            }
        }
        proxy.set(Fault::None);
    }
    assert!(errors > 10, "the proxy has cut {errors} replies");
}

#[tokio::test]
async fn an_invalidation_that_nobody_confirmed_is_an_error() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    assert!(prepare(&redis, "slot", &[]).await.unwrap().leased);

    let links = Links::Established;
    proxy.set(Fault::Swallow {
        links,
        way: Way::Replies,
    });
    let start = Instant::now();
    let mut failed = 0;
    while invalidate(&redis, &["slot"], &[]).await.is_err() {
        failed += 1;
        assert!(
            start.elapsed() < millis(1500),
            "repeated until it is confirmed"
        );
        sleep(millis(5)).await;
    }
    assert!(failed >= 3, "unheard answers are no answers");
    assert_eq!(read(&redis, "slot").await.ok().flatten(), None);
}
