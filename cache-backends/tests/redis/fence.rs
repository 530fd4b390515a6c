//! What a server held before it went away is not believed when it comes back with it.

use std::time::{Duration, Instant};

use cache_backends::Redis;
use cache_core::Backend;
use test_support::{Fault, FaultProxy, RedisServer};
use tokio::time::sleep;

use crate::probe::{back_within, invalidate, prepare, read};

/// How long a busy machine may take to connect anew.
const BACK: Duration = Duration::from_secs(10);
const STAMP: &str = "app:g:n";

fn patient(url: String) -> Redis {
    let patience = Duration::from_secs(5);
    Redis::builder(url).deadline(patience).build().unwrap()
}

/// A store that guards the stamp.
fn guarded(server: &RedisServer) -> Redis {
    let redis = patient(server.url());
    redis.guard(STAMP);
    redis
}

/// Makes the stamp, if it is not there, as soon as the server can be written to.
async fn made(redis: &Redis) {
    let begun = Instant::now();
    while let Err(error) = prepare(redis, "app:e:slot", &[(STAMP, 7)]).await {
        assert!(begun.elapsed() < BACK, "{error}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn stands(redis: &Redis) -> bool {
    read(redis, STAMP).await.unwrap().is_some()
}

fn set_aside(server: &RedisServer) {
    for kind in ["normal", "pubsub"] {
        server.raw(&["CLIENT", "KILL", "TYPE", kind]);
    }
}

#[tokio::test]
async fn a_server_that_starts_again_with_old_data_is_not_believed() {
    let server = RedisServer::start(&[]);
    let redis = guarded(&server);
    made(&redis).await;
    assert!(stands(&redis).await, "nothing happened yet");
    server.raw(&["SAVE"]);
    invalidate(&redis, &[], &[(STAMP, 8)]).await.unwrap();
    server.restart();
    assert_eq!(server.raw(&["EXISTS", STAMP]).int(), Some(1), "old data");
    back_within(&redis, BACK).await;
    assert!(!stands(&redis).await, "it agrees with old entries");

    made(&redis).await;
    let other = guarded(&server);
    assert!(stands(&other).await, "the server is known by now");
}

/// Whoever comes first has looked after the stamp. But who comes later may have invalidated
/// something elsewhere, meanwhile, that was stored here again.
#[tokio::test]
async fn who_comes_to_another_server_later_removes_the_stamp_once_more() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let late = patient(proxy.url());
    late.guard(STAMP);
    made(&late).await;
    proxy.set(Fault::Reset);
    server.restart();
    let early = guarded(&server);
    made(&early).await;
    assert!(stands(&early).await);
    proxy.set(Fault::None);
    let begun = Instant::now();
    while let Err(error) = invalidate(&late, &["app:e:slot"], &[]).await {
        assert!(begun.elapsed() < BACK, "{error}");
        sleep(Duration::from_millis(5)).await;
    }
    assert!(!stands(&early).await);
    made(&early).await;
    invalidate(&late, &["app:e:slot"], &[]).await.unwrap();
    assert!(stands(&early).await, "once");
}

#[tokio::test]
async fn a_connection_that_is_lost_to_the_same_server_costs_nothing() {
    let server = RedisServer::start(&[]);
    let redis = guarded(&server);
    made(&redis).await;
    for _ in 0..3 {
        set_aside(&server);
        back_within(&redis, BACK).await;
        assert!(stands(&redis).await);
    }
}

#[tokio::test]
async fn data_of_nobody_knows_which_run_is_not_believed() {
    let server = RedisServer::start(&[]);
    let early = patient(server.url());
    made(&early).await;
    assert!(stands(&early).await, "nobody guards it");
    let redis = guarded(&server);
    assert!(!stands(&redis).await);
}

/// Also on a connection that stood before the stamp was guarded, and every stamp by itself.
#[tokio::test]
async fn a_stamp_that_is_guarded_late_is_guarded_from_the_next_call_on() {
    let server = RedisServer::start(&[]);
    let redis = guarded(&server);
    made(&redis).await;
    prepare(&redis, "other:e:slot", &[("other:g:n", 7)])
        .await
        .unwrap();
    assert!(read(&redis, "other:g:n").await.unwrap().is_some());
    redis.guard(STAMP);
    redis.guard("other:g:n");
    assert_eq!(read(&redis, "other:g:n").await.unwrap(), None);
    assert!(stands(&redis).await);
}

/// A writer between its two phases has marked the group as one in which nothing is valid.
#[tokio::test]
async fn a_group_in_flux_stays_in_flux() {
    let server = RedisServer::start(&[]);
    let early = patient(server.url());
    invalidate(&early, &[], &[(STAMP, u64::MAX)]).await.unwrap();
    let redis = guarded(&server);
    assert!(stands(&redis).await);
}

#[tokio::test]
async fn a_full_server_is_not_believed_either() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let redis = guarded(&server);
    made(&redis).await;
    server.raw(&["SAVE"]);
    server.restart_with(&["--maxmemory-policy", "noeviction", "--maxmemory", "1"]);
    back_within(&redis, BACK).await;
    assert!(!stands(&redis).await);
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_run_is_used_as_it_is() {
    for right in ["-info", "-get"] {
        let server = RedisServer::start(&[]);
        server.raw(&["ACL", "SETUSER", "default", right, "+mget"]);
        let redis = guarded(&server);
        made(&redis).await;
        let names = [STAMP, "app:e:slot"];
        let values = redis.read(&names).await.unwrap();
        assert!(values.iter().all(Option::is_some), "without {right}");
    }
}
