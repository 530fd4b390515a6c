//! Where a server may be, what its connections are called there, and what is refused before that.

use std::time::{Duration, Instant};

use cache_backends::Redis;
use cache_core::ErrorKind;
use test_support::RedisServer;
use tokio::time::sleep;

use crate::probe::{back_within, call, invalidate, prepare, read, store};

/// A directory for a socket, removed on drop.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("larder-socket-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A directory that stays behind is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn fill(redis: &Redis, payload: &[u8]) {
    assert!(prepare(redis, "slot", &[]).await.unwrap().leased);
    assert!(store(redis, "slot", payload).await.unwrap());
}

#[tokio::test]
async fn a_server_is_reached_by_its_socket() {
    let directory = Directory::new();
    let socket = directory.0.join("redis.sock").display().to_string();
    let server = RedisServer::start(&["--unixsocket", &socket]);
    let redis = Redis::connect(format!("unix://{socket}")).unwrap();
    fill(&redis, b"value").await;
    assert!(read(&redis, "slot").await.unwrap().is_some());
    let clients = server.raw(&["CLIENT", "LIST"]);
    assert!(clients.text().unwrap().contains(&socket), "{clients:?}");

    let database = Redis::connect(format!("unix://{socket}?db=3")).unwrap();
    assert_eq!(read(&database, "slot").await.unwrap(), None);

    server.kill();
    let error = call(&redis).await.error.unwrap().to_string();
    assert!(error.contains(&socket), "{error}");
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let _server = server.await.unwrap();
    back_within(&redis, Duration::from_millis(1500)).await;
}

#[tokio::test]
async fn databases_are_apart() {
    let server = RedisServer::start(&[]);
    let database = |number: u8| Redis::connect(format!("{}/{number}", server.url())).unwrap();
    let (one, two) = (database(1), database(2));
    fill(&one, b"one").await;
    fill(&two, b"two").await;
    invalidate(&one, &["slot"], &[]).await.unwrap();
    assert_eq!(read(&one, "slot").await.unwrap(), None);
    assert!(read(&two, "slot").await.unwrap().is_some());
    // Also by connections that are made later.
    server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
    back_within(&two, Duration::from_secs(1)).await;
    assert!(read(&two, "slot").await.unwrap().is_some());

    let none = call(&database(99)).await.error.unwrap();
    assert_eq!(none.kind(), ErrorKind::Unavailable);
    assert!(none.to_string().contains("DB index"), "{none}");
}

/// The names of the server's clients, but for the one who asks.
fn names(server: &RedisServer) -> Vec<String> {
    let list = server.raw(&["CLIENT", "LIST"]);
    let others = list.text().unwrap().lines();
    let others = others.filter(|line| !line.contains("cmd=client|list"));
    let name = |line: &str| {
        let mut fields = line.split(' ');
        let name = fields.find_map(|field| field.strip_prefix("name="));
        name.unwrap().to_owned()
    };
    others.map(name).collect()
}

/// Waits until the connections for reads and for writes are there and called so.
async fn named(server: &RedisServer, name: &str) {
    let begun = Instant::now();
    while names(server) != [name, name] {
        let found = names(server);
        assert!(begun.elapsed() < Duration::from_secs(5), "{found:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn connections_have_a_name() {
    let server = RedisServer::start(&[]);
    for (builder, name) in [
        (Redis::builder(server.url()), "larder"),
        (Redis::builder(server.url()).client_name("shop-7"), "shop-7"),
        (Redis::builder(server.url()).client_name(""), ""),
    ] {
        let redis = builder.build().unwrap();
        fill(&redis, b"value").await;
        read(&redis, "slot").await.unwrap();
        named(&server, name).await;
        server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
        back_within(&redis, Duration::from_secs(1)).await;
        named(&server, name).await;
        drop(redis);
        server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
        server.raw(&["FLUSHALL"]);
    }
}

#[test]
fn a_name_that_no_server_takes_is_refused_at_once() {
    for name in ["two words", "line\nbreak", "größe"] {
        let builder = Redis::builder("redis://localhost").client_name(name);
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("client name"), "{error}");
    }
}

#[test]
fn a_plain_line_to_another_machine_needs_a_word() {
    let here = [
        "redis://localhost",
        "redis://LOCALHOST:7000/1",
        "redis://127.0.0.1",
        "redis://127.9.9.9:1",
        "redis://[::1]:1",
        "unix:///tmp/none",
    ];
    for url in here {
        Redis::connect(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    let away = [
        "redis://cache.internal",
        "redis://user:hunter2@10.0.0.1:6379",
        "redis://localhost.example.org",
        "redis://[2001:db8::1]",
        "redis://[::ffff:10.0.0.1]",
        "valkey://cache.internal",
    ];
    for url in away {
        let error = Redis::connect(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(
            text.contains("insecure") && text.contains("rediss://"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
        let allowed = Redis::builder(url).insecure().build();
        allowed.unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[cfg(feature = "redis-rustls")]
#[test]
fn an_encrypted_line_may_lead_anywhere() {
    Redis::connect("rediss://cache.internal").unwrap();
}
