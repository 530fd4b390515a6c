//! An invalidation counts when a replica has it, where there is one.

use std::time::{Duration, Instant};

use cache_backends::{Redis, RedisBuilder};
use cache_core::ErrorKind;
use test_support::RedisServer;
use tokio::time::sleep;

use crate::probe::{invalidate, prepare, read};

/// As long as a busy machine may need.
const LONG: Duration = Duration::from_secs(4);

/// A master, and a replica that is in sync with it.
fn pair() -> [RedisServer; 2] {
    let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = follower(&master);
    [master, replica]
}

fn follower(master: &RedisServer) -> RedisServer {
    let port = master.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    master.raw(&["SET", "first", "1"]);
    eventually("it has a copy", || {
        replica.raw(&["EXISTS", "first"]).int() == Some(1)
    });
    // The master knows of that only when it is told.
    let all = master.info("connected_slaves").expect("a field");
    master.raw(&["SET", "second", "2"]);
    let told = master.raw(&["WAIT", &all, "10000"]);
    assert_eq!(told.int(), all.parse().ok());
    master.raw(&["CONFIG", "RESETSTAT"]);
    replica
}

fn eventually(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not so: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// With times that a busy machine keeps.
fn store(server: &RedisServer) -> RedisBuilder {
    let deadline = Duration::from_secs(5);
    let builder = Redis::builder(server.url()).deadline(deadline);
    builder.replica_patience(LONG)
}

fn waits(server: &RedisServer) -> bool {
    server.info("cmdstat_wait").is_some()
}

#[tokio::test]
async fn an_invalidation_waits_for_a_replica() {
    let [master, replica] = pair();
    let redis = store(&master).build().unwrap();
    invalidate(&redis, &["slot"], &[("stamp", 1)])
        .await
        .unwrap();
    assert!(waits(&master));
    let there = replica.raw(&["GET", "stamp"]);
    assert_eq!(there.text(), Some("\0\0\0\0\0\0\0\u{1}"), "at once");
}

#[tokio::test]
async fn what_reached_no_replica_is_an_error() {
    let [master, replica] = pair();
    let redis = store(&master).replica_patience(Redis::REPLICA_PATIENCE);
    let redis = redis.build().unwrap();
    replica.stop();
    let began = Instant::now();
    let error = invalidate(&redis, &[], &[("stamp", 2)]).await.unwrap_err();
    let took = began.elapsed();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains("has not reached a replica"), "{text}");
    assert!(took >= Redis::REPLICA_PATIENCE, "took {took:?}");
    assert!(took < Duration::from_secs(2), "took {took:?}");
    // Nothing but invalidations waits, and the connection is as good as before.
    prepare(&redis, "other", &[]).await.unwrap();
    let began = Instant::now();
    let waiting = invalidate(&redis, &[], &[("stamp", 3)]);
    let reading = async {
        read(&redis, "stamp").await.unwrap();
        prepare(&redis, "slot", &[]).await.unwrap();
        began.elapsed()
    };
    let (waited, reading) = tokio::join!(waiting, reading);
    assert!(waited.is_err());
    // The wait is of 50 ms, and ends up to 100 ms late.
    assert!(reading < Redis::REPLICA_PATIENCE, "took {reading:?}");
    replica.cont();
    let resumed = Instant::now();
    while let Err(error) = invalidate(&redis, &[], &[("stamp", 4)]).await {
        assert!(resumed.elapsed() < LONG, "{error}");
    }
}

#[tokio::test]
async fn one_replica_of_several_is_enough() {
    let [master, hung] = pair();
    let _lively = follower(&master);
    let redis = store(&master).build().unwrap();
    hung.stop();
    invalidate(&redis, &[], &[("stamp", 1)]).await.unwrap();
    assert!(waits(&master));
}

#[tokio::test]
async fn nobody_waits_where_there_is_no_replica_or_no_wish() {
    let alone = RedisServer::start(&[]);
    let redis = store(&alone).build().unwrap();
    invalidate(&redis, &[], &[("stamp", 1)]).await.unwrap();
    assert!(!waits(&alone));

    let [master, replica] = pair();
    replica.stop();
    let never = store(&master).replica_patience(Duration::ZERO);
    let redis = never.build().unwrap();
    invalidate(&redis, &[], &[("stamp", 1)]).await.unwrap();
    assert!(!waits(&master));
}

#[tokio::test]
async fn a_replica_that_comes_or_goes_is_noticed() {
    let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
    let redis = store(&master).build().unwrap();
    invalidate(&redis, &[], &[("stamp", 1)]).await.unwrap();
    let replica = follower(&master);
    let begun = Instant::now();
    while !waits(&master) {
        assert!(begun.elapsed() < Duration::from_secs(10), "never waits");
        // A replica that has only just come may be slow to answer.
        let _ = invalidate(&redis, &[], &[("stamp", 2)]).await;
        sleep(Duration::from_millis(20)).await;
    }
    replica.kill();
    let begun = Instant::now();
    while let Err(error) = invalidate(&redis, &[], &[("stamp", 3)]).await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    }
}

#[tokio::test]
async fn without_the_right_to_wait_an_invalidation_does_not() {
    let [master, _replica] = pair();
    master.raw(&["ACL", "SETUSER", "default", "-wait"]);
    let redis = store(&master).build().unwrap();
    for nonce in 0..3 {
        invalidate(&redis, &[], &[("stamp", nonce)]).await.unwrap();
    }
    let asked = master.info("cmdstat_wait").expect("once");
    assert!(asked.contains("calls=0,"), "{asked}");
    assert!(asked.contains("rejected_calls=1,"), "{asked}");
}

/// A full server gets the stamp removed instead of moved, and a replica hears of that too.
#[tokio::test]
async fn a_full_master_still_invalidates_on_its_replica() {
    let [master, replica] = pair();
    let redis = store(&master).build().unwrap();
    invalidate(&redis, &[], &[("stamp", 1)]).await.unwrap();
    master.raw(&["CONFIG", "SET", "maxmemory", "1"]);
    invalidate(&redis, &[], &[("stamp", 2)]).await.unwrap();
    assert_eq!(replica.raw(&["EXISTS", "stamp"]).int(), Some(0));
}
