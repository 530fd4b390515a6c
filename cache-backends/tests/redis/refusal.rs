//! A server that says no is believed, and what it says decides what kind of no it is.

use std::time::{Duration, Instant};

use cache_backends::Redis;
use cache_core::{Backend, ErrorKind, Prepare};
use test_support::RedisServer;
use tokio::time::sleep;

use crate::probe::{LONG, back_within, call, invalidate, prepare, read, read_during, store};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn connections(server: &RedisServer) -> u64 {
    let received = server.info("total_connections_received");
    received.expect("is counted").parse().expect("is a number")
}

fn with_password(server: &RedisServer, password: &str) -> Redis {
    Redis::connect(format!("redis://:{password}@{}", server.addr())).unwrap()
}

#[tokio::test]
async fn a_wrong_password_is_said_clearly_and_not_repeated() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let redis = with_password(&server, "hunter2");
    let first = call(&redis).await;
    let error = first.error.expect("is refused");
    assert!(first.took < millis(1000), "took {:?}", first.took);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = format!("{error} {error:?} {redis:?}");
    assert!(
        text.contains("refuses the user name or the password"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");

    let none = Redis::connect(server.url()).unwrap();
    let error = call(&none).await.error.expect("is refused").to_string();
    assert!(error.contains("wants a password"), "{error}");
}

#[tokio::test]
async fn a_password_that_was_wrong_for_a_while_does_not_stick() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let mut admin = server.client();
    admin.command(&["AUTH", "right"]).unwrap();
    let redis = with_password(&server, "right");
    assert!(call(&redis).await.error.is_none());

    admin
        .command(&["CONFIG", "SET", "requirepass", "other"])
        .unwrap();
    admin
        .command(&["CLIENT", "KILL", "TYPE", "normal"])
        .unwrap();
    let calls = read_during(&redis, sleep(millis(1500))).await;
    assert!(
        calls
            .errors()
            .last()
            .is_some_and(|error| error.to_string().contains("password"))
    );
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );

    admin
        .command(&["CONFIG", "SET", "requirepass", "right"])
        .unwrap();
    back_within(&redis, millis(1000)).await;
}

#[tokio::test]
async fn a_server_that_loads_its_data_is_waited_for() {
    let server = RedisServer::start(&["--enable-debug-command", "yes"]);
    server.raw(&["DEBUG", "POPULATE", "3000"]);
    server.raw(&["SAVE"]);
    let redis = Redis::connect(server.url()).unwrap();
    let restarting = tokio::task::spawn_blocking(move || {
        let slow = [
            "--loading-process-events-interval-bytes",
            "1024",
            "--key-load-delay",
            "400",
        ];
        server.restart_with(&slow);
        server
    });
    let mut running = None;
    let calls = read_during(&redis, async { running = restarting.await.ok() }).await;
    let loading = calls
        .errors()
        .filter(|error| error.to_string().contains("LOADING"))
        .count();
    assert!(loading > 20, "{loading} calls met a server that loads");
    assert!(
        calls
            .errors()
            .all(|error| error.kind() == ErrorKind::Unavailable)
    );
    assert!(calls.slowest() < millis(350), "{:?}", calls.slowest());
    back_within(&redis, millis(500)).await;
}

#[tokio::test]
async fn a_busy_script_is_waited_for_on_the_same_connection() {
    let server = RedisServer::start(&["--busy-reply-threshold", "50"]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    let before = connections(&server);

    let mut client = server.client();
    let busy = tokio::task::spawn_blocking(move || {
        let script =
            "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
                      local stop = now() + 1200
                      while now() < stop do end";
        client.command(&["EVAL", script, "0"]).unwrap()
    });
    let calls = read_during(&redis, async {
        busy.await.unwrap();
    })
    .await;
    let told = calls
        .errors()
        .filter(|error| error.to_string().contains("BUSY"))
        .count();
    assert!(told > 20, "{told} calls were told so");
    assert!(
        calls
            .errors()
            .all(|error| error.kind() == ErrorKind::Unavailable)
    );
    assert!(
        calls.0.last().is_some_and(|call| call.error.is_none()),
        "at once afterwards"
    );
    // The client of the script is the one that came.
    assert_eq!(connections(&server), before + 1);
}

#[tokio::test]
async fn a_full_server_refuses_to_store_and_still_invalidates() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(
        prepare(&redis, "slot", &[("group", 1)])
            .await
            .unwrap()
            .leased
    );
    assert!(store(&redis, "slot", b"value").await.unwrap());

    server.raw(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = prepare(&redis, "other", &[("new", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("OOM"), "{error}");
    let error = store(&redis, "slot", b"value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(read(&redis, "slot").await.unwrap().is_some(), "reads go on");

    invalidate(&redis, &["slot"], &[("group", 2), ("new", 3)])
        .await
        .unwrap();
    let left = redis.read(&["slot", "group", "new"]).await.unwrap();
    assert_eq!(
        left,
        [None, None, None],
        "a missing stamp is as good as a new one"
    );

    server.raw(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(
        prepare(&redis, "slot", &[("group", 4)])
            .await
            .unwrap()
            .leased
    );
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let flushing = tokio::task::spawn_blocking(move || {
        for _ in 0..40 {
            server.raw(&["SCRIPT", "FLUSH"]);
            std::thread::sleep(millis(50));
        }
        server
    });
    let mut rounds = 0;
    while !flushing.is_finished() {
        let slot = format!("slot{rounds}");
        assert!(
            prepare(&redis, &slot, &[("group", 1)])
                .await
                .unwrap()
                .leased
        );
        assert!(store(&redis, &slot, b"value").await.unwrap());
        rounds += 1;
    }
    let _server = flushing.await.unwrap();
    assert!(rounds > 100, "{rounds} rounds");
}

#[tokio::test]
async fn a_replica_is_read_and_not_written() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(prepare(&redis, "slot", &[]).await.unwrap().leased);

    // Port 1 of this machine: nobody is there, so it stays a replica without a master.
    server.raw(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = store(&redis, "slot", b"value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("READONLY"), "{error}");
    assert!(read(&redis, "slot").await.unwrap().is_some(), "reads go on");

    let before = connections(&server);
    store(&redis, "slot", b"value").await.unwrap_err();
    sleep(millis(100)).await;
    // The name of the server may lead to its successor by now.
    assert!(connections(&server) > before, "a new connection is made");

    server.raw(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    let calls = read_during(&redis, sleep(millis(1000))).await;
    assert!(
        calls
            .errors()
            .any(|error| error.to_string().contains("MASTERDOWN"))
    );
    assert!(
        calls
            .errors()
            .all(|error| error.kind() == ErrorKind::Unavailable)
    );

    server.raw(&["REPLICAOF", "NO", "ONE"]);
    back_within(&redis, millis(1000)).await;
    let start = Instant::now();
    while store(&redis, "slot", b"value").await.is_err() {
        assert!(start.elapsed() < millis(1000), "writes come back too");
        sleep(millis(5)).await;
    }
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which() {
    let server = RedisServer::start(&[]);
    server.raw(&[
        "ACL", "SETUSER", "some", "on", ">secret", "~*", "&*", "+@all", "-evalsha", "-unlink",
    ]);
    let redis = Redis::connect(format!("redis://some:secret@{}", server.addr())).unwrap();

    let error = prepare(&redis, "slot", &[("group", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        error.to_string().contains("NOPERM") && error.to_string().contains("evalsha"),
        "{error}"
    );
    let error = invalidate(&redis, &["slot"], &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("unlink"), "{error}");

    let stamps = Prepare {
        stamps: &[("group", 2)],
        stamp_ttl: LONG,
        lease: None,
    };
    assert_eq!(
        redis.prepare(stamps).await.unwrap().stamps,
        [1],
        "the rest works"
    );
}

#[tokio::test]
async fn what_somebody_else_has_put_there_is_refused_and_left_alone() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    server.raw(&["RPUSH", "list", "item"]);
    server.raw(&["SET", "group", "not eight bytes"]);

    let error = read(&redis, "list").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let error = prepare(&redis, "list", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let error = prepare(&redis, "slot", &[("group", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("namespace"), "{error}");
    assert_eq!(server.raw(&["LLEN", "list"]).int(), Some(1));
}

#[tokio::test]
async fn a_server_that_is_too_old_is_told_from_one_that_is_wrong() {
    let server = RedisServer::start(&["--rename-command", "EVALSHA", ""]);
    let redis = Redis::connect(server.url()).unwrap();
    let error = prepare(&redis, "slot", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("7.0 or later"), "{error}");
}
