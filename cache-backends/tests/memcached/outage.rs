//! A server or a line that goes away costs the calls of that time, little each, and nothing more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cache_backends::Memcached;
use cache_core::ErrorKind;
use test_support::{Fault, FaultProxy, Links, MemcachedServer, Way};
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

fn connect(address: std::net::SocketAddr) -> Memcached {
    Memcached::connect(address.to_string()).unwrap()
}

/// No call, whatever befell it, took longer than the deadline.
fn assert_in_time(calls: &Calls) {
    let slowest = calls.slowest();
    assert!(
        slowest < Memcached::DEADLINE + SLACK,
        "a call took {slowest:?}"
    );
}

fn assert_fails_at_once(calls: &Calls) {
    let median = calls.median_failure();
    assert!(median < millis(1), "half of the failures took {median:?}");
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_found_when_it_comes() {
    let server = MemcachedServer::start(&[]);
    server.kill();
    let memcached = connect(server.addr());

    let first = call(&memcached).await;
    let error = first.error.expect("nobody is there").to_string();
    assert!(first.took < millis(100), "it took {:?}", first.took);
    let address = server.addr();
    let expected = format!("cache unavailable: reading from memcached at {address}: not connected");
    assert!(error.starts_with(&expected), "{error}");

    assert_fails_at_once(&read_during(&memcached, sleep(millis(500))).await);
    let server = blocking(move || {
        server.restart();
        server
    });
    let _server = server.await;
    back_within(&memcached, millis(1000)).await;
}

/// Cases 8 and 9, for a server that is started again within two seconds.
#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(server.addr());
    assert!(call(&memcached).await.error.is_none());

    server.kill();
    let calls = read_during(&memcached, sleep(millis(2000))).await;
    let mut errors = calls.errors();
    assert!(errors.all(|error| error.kind() == ErrorKind::Unavailable));
    assert_fails_at_once(&calls);
    assert_in_time(&calls);
    let _server = blocking(move || {
        server.restart();
        server
    })
    .await;
    back_within(&memcached, millis(1000)).await;
}

#[tokio::test]
async fn connections_that_are_closed_are_replaced_at_once() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    let proxy = Arc::new(proxy);
    let resets = Arc::clone(&proxy);
    let resetting = blocking(move || {
        for _ in 0..20 {
            resets.reset_links();
            std::thread::sleep(millis(100));
        }
    });
    let calls = read_during(&memcached, resetting).await;
    let gaps = calls.gaps();
    let long = gaps.iter().filter(|gap| **gap > millis(200)).count();
    // A busy machine may stand still once or twice by itself.
    assert!(long <= 2, "no call succeeded for {gaps:?}");
    assert!(proxy.traffic().connections > 10, "one after each reset");
    assert_in_time(&calls);
}

/// Case 10.
#[tokio::test]
async fn a_server_that_hangs_costs_the_deadline_and_then_nothing() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(server.addr());
    assert!(call(&memcached).await.error.is_none());

    server.stop();
    let calls = read_during(&memcached, sleep(millis(3000))).await;
    assert_in_time(&calls);
    let slow = calls.0.iter().filter(|call| call.took > millis(100));
    assert_eq!(slow.count(), 3, "then it is known to be away");
    assert_fails_at_once(&calls);
    server.cont();
    back_within(&memcached, millis(1000)).await;
}

/// What was asked of a server while it hung is done when it goes on, and does no harm then.
#[tokio::test]
async fn a_store_that_was_given_up_never_overwrites_what_came_after_it() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(server.addr());
    assert!(prepare(&memcached, "slot", &[]).await.unwrap().leased);

    server.stop();
    let late = store(&memcached, "slot", b"old").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Unavailable);
    let removed = invalidate(&memcached, &["slot"], &[]).await.unwrap_err();
    assert_eq!(removed.kind(), ErrorKind::Unavailable, "loudly");
    server.cont();

    back_within(&memcached, millis(1000)).await;
    invalidate(&memcached, &["slot"], &[]).await.unwrap();
    sleep(millis(300)).await;
    assert_eq!(read(&memcached, "slot").await.unwrap(), None);
}

/// Case 12.
#[tokio::test]
async fn a_half_open_link_is_replaced() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    let before = proxy.traffic().connections;
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    back_within(&memcached, millis(1500)).await;
    assert!(proxy.traffic().connections > before);
}

/// Callers may give up earlier than the store does, so that it sees no failure of its own.
#[tokio::test]
async fn a_half_open_link_is_replaced_also_for_impatient_callers() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    let start = Instant::now();
    while !matches!(
        timeout(millis(50), read(&memcached, "name")).await,
        Ok(Ok(_))
    ) {
        let late = start.elapsed();
        assert!(late < millis(1500), "still failing after {late:?}");
        sleep(millis(10)).await;
    }
}

/// Heartbeats find it before a caller does.
#[tokio::test]
async fn a_half_open_link_that_nobody_uses_is_replaced_too() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    let before = proxy.traffic().connections;
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    let start = Instant::now();
    while proxy.traffic().connections == before {
        assert!(start.elapsed() < millis(2500), "nobody has noticed");
        sleep(millis(10)).await;
    }
    sleep(millis(100)).await;
    assert!(
        call(&memcached).await.error.is_none(),
        "no call had to fail"
    );
}

#[tokio::test]
async fn a_server_that_resets_is_not_stormed() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    let before = proxy.traffic().connections;
    proxy.set(Fault::Reset);
    proxy.reset_links();
    let calls = read_during(&memcached, sleep(millis(3000))).await;
    assert_in_time(&calls);
    let tried = proxy.traffic().connections - before;
    assert!((2..=40).contains(&tried), "{tried} connections in 3 s");
    proxy.set(Fault::None);
    back_within(&memcached, millis(1000)).await;
}

#[tokio::test]
async fn a_slow_line_is_held_to_the_deadline() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(call(&memcached).await.error.is_none());
    let late = |replies| Fault::Delay {
        requests: Duration::ZERO,
        replies,
    };
    proxy.set(late(millis(100)));
    let calls = read_during(&memcached, sleep(millis(1000))).await;
    let errors: Vec<_> = calls.errors().collect();
    assert!(errors.is_empty(), "slow is not dead: {errors:?}");
    proxy.set(late(millis(700)));
    let calls = read_during(&memcached, sleep(millis(3000))).await;
    assert_in_time(&calls);
    assert!(calls.errors().count() > 0);
    proxy.set(Fault::None);
    back_within(&memcached, millis(1500)).await;
}

#[tokio::test]
async fn the_bytes_may_come_one_by_one() {
    use cache_core::testkit::far;

    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = Memcached::builder([proxy.addr().to_string()])
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    proxy.set(Fault::OneByte);
    far::values_come_back_in_the_order_asked(&memcached).await;
    far::stamps_are_given_in_the_order_asked(&memcached).await;
    far::a_store_replaces_the_header_it_names(&memcached).await;
    far::an_invalidation_removes_slots_and_moves_stamps(&memcached).await;
}

/// Wherever a reply is cut, what comes back is the right value or an error.
#[tokio::test]
async fn a_reply_that_is_cut_is_never_a_value() {
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(prepare(&memcached, "slot", &[]).await.unwrap().leased);
    assert!(store(&memcached, "slot", b"payload").await.unwrap());
    let whole = [&MINE[..], b"payload"].concat();

    let mut errors = 0;
    for bytes in 0..40 {
        back_within(&memcached, millis(1000)).await;
        proxy.set(Fault::CutReplies(bytes));
        match read(&memcached, "slot").await {
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
    let server = MemcachedServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let memcached = connect(proxy.addr());
    assert!(prepare(&memcached, "slot", &[]).await.unwrap().leased);
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Replies,
    });
    let start = Instant::now();
    let mut failed = 0;
    while invalidate(&memcached, &["slot"], &[]).await.is_err() {
        failed += 1;
        let late = start.elapsed();
        assert!(late < millis(1500), "repeated until it is confirmed");
        sleep(millis(5)).await;
    }
    assert!(failed >= 3, "unheard answers are no answers");
    assert_eq!(read(&memcached, "slot").await.ok().flatten(), None);
}

#[test]
fn no_call_fails_when_one_runtime_follows_another() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(server.addr());
    for _ in 0..4 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert_eq!(read(&memcached, "name").await.unwrap(), None);
            invalidate(&memcached, &["name"], &[]).await.unwrap();
        });
    }
}
