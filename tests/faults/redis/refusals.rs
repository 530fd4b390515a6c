//! A server that says no: P3, and what is said of it.

use larder::Cache;
use test_support::RedisServer;
use tokio::time::sleep;

use super::{case, far, with_password};
use crate::{
    driver::{PROMISE, Trial, Watch, build, millis},
    suite::{Case, Row, Times},
};

/// Commands, each as its words.
type Commands = &'static [&'static [&'static str]];

const RIGHTS: Commands = &[&["ACL", "SETUSER", "default", "+@all"]];
const MASTER: Commands = &[&["REPLICAOF", "NO", "ONE"]];

pub(super) fn cases() -> Vec<Case> {
    let secret = "P3, said without the password";
    vec![
        case(
            6,
            "full (noeviction), invalidations",
            "done, the next read is fresh",
            full_and_told,
        ),
        case(6, "full (noeviction)", PROMISE, || {
            refused(
                &[&["CONFIG", "SET", "maxmemory", "1"]],
                &[&["CONFIG", "SET", "maxmemory", "0"]],
            )
        }),
        case(
            20,
            "wrong password from the start, 2 s",
            secret,
            wrong_from_the_start,
        ),
        case(
            21,
            "wrong password at reconnection, 2 s",
            PROMISE,
            wrong_for_a_while,
        ),
        case(22, "no right to EVAL", PROMISE, || {
            refused(
                &[&["ACL", "SETUSER", "default", "-eval", "-evalsha"]],
                RIGHTS,
            )
        }),
        case(22, "no right to UNLINK", PROMISE, || {
            refused(&[&["ACL", "SETUSER", "default", "-unlink"]], RIGHTS)
        }),
        case(22, "no right to read", PROMISE, || {
            refused(&[&["ACL", "SETUSER", "default", "-get", "-mget"]], RIGHTS)
        }),
        case(0, "has become a read-only replica", PROMISE, || {
            refused(&[&["REPLICAOF", "127.0.0.1", "1"]], MASTER)
        }),
        case(
            0,
            "has become a replica without its master",
            PROMISE,
            || {
                refused(
                    &[
                        &["CONFIG", "SET", "replica-serve-stale-data", "no"],
                        &["REPLICAOF", "127.0.0.1", "1"],
                    ],
                    MASTER,
                )
            },
        ),
    ]
}

async fn refused(begin: Commands, end: Commands) -> Row {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&far(&server)).await;
    let outage = trial.begin();
    for command in begin {
        server.raw(command);
    }
    sleep(millis(1_500)).await;
    for command in end {
        server.raw(command);
    }
    outage.over().await
}

async fn full_and_told() -> Row {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let cache = build(far(&server).patient());
    let watch = Watch::start();
    let mut row = Row::default();
    let mut took = Vec::new();
    let read = async |version: u64| {
        let load = || async { Ok::<_, String>(version) };
        let options = larder::SetOptions::new().tag("team:1");
        cache.get_or_load_with("rows:1", options, load).await
    };
    for how in ["key", "prefix", "tag", "all"] {
        let cached = (read(1).await, read(2).await);
        row.must(cached == (Ok(1), Ok(1)), || {
            format!("{how}: not cached: {cached:?}")
        });
        server.raw(&["CONFIG", "SET", "maxmemory", "1"]);
        let began = std::time::Instant::now();
        let told = invalidate(&cache, how).await;
        took.push(began.elapsed());
        row.must(told.is_ok(), || format!("{how}: {told:?}"));
        let next = read(3).await;
        row.must(next == Ok(3), || format!("{how}: {next:?} is read"));
        server.raw(&["CONFIG", "SET", "maxmemory", "0"]);
        cache.remove("rows:1").await.expect("there is memory");
        row.calls += 4;
    }
    row.unconfirmed = Some(0);
    row.stale = Some(row.broken.len());
    row.added = Times::of(took);
    row.stall = watch.stall();
    row
}

async fn invalidate(cache: &Cache, how: &str) -> larder::Result<()> {
    match how {
        "key" => cache.remove("rows:1").await,
        "prefix" => cache.remove_prefix("rows").await,
        "tag" => cache.remove_tag("team:1").await,
        _ => cache.clear().await,
    }
}

async fn wrong_from_the_start() -> Row {
    let server = RedisServer::start(&["--requirepass", "right"]);
    server.raw(&["AUTH", "right"]);
    let far = with_password(server.addr(), "hunter2");
    let trial = Trial::broken(&far);
    let outage = trial.began();
    sleep(millis(500)).await;
    let cache = build(far.hasty());
    let began = std::time::Instant::now();
    let read = cache.get::<u64>("rows:1").await;
    let took = began.elapsed();
    let text = match read {
        Ok(value) => format!("read {value:?}"),
        Err(error) => format!("{error} {error:?} {cache:?}"),
    };
    sleep(millis(1_500)).await;
    server.raw(&["CONFIG", "SET", "requirepass", "hunter2"]);
    let mut row = outage.over().await;
    let clear = text.contains("password") && !text.contains("hunter2");
    row.must(clear && took < millis(1_000), || {
        format!("after {took:?} it is said: {text}")
    });
    row
}

async fn wrong_for_a_while() -> Row {
    let server = RedisServer::start(&["--requirepass", "right"]);
    server.raw(&["AUTH", "right"]);
    let trial = Trial::healthy(&with_password(server.addr(), "right")).await;
    let outage = trial.begin();
    server.raw(&["CONFIG", "SET", "requirepass", "other"]);
    for kind in ["normal", "pubsub"] {
        server.raw(&["CLIENT", "KILL", "TYPE", kind]);
    }
    sleep(millis(2_000)).await;
    server.raw(&["CONFIG", "SET", "requirepass", "right"]);
    outage.over().await
}
