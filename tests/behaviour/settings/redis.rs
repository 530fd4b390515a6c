//! The variables of Redis, on a real server where it is to log in.

use std::time::Duration;

use larder::CacheBuilder;
use test_support::RedisServer;

use super::{Pairs, cache, is_used, settings, words};
use crate::log::Warnings;

/// Every sort of character that means something in a url.
const PASSWORD: &str = "p@ss:w/rd?#%25 +&=[é]'\"\\";

/// Where a cache would look for its server.
fn address(pairs: Pairs<'_>) -> String {
    let shown = format!("{:?}", cache(pairs));
    let (_, rest) = shown
        .split_once("address: \"")
        .expect("a far tier on redis");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// How many names there are in each database that has any: `db3:keys=2`.
fn databases(server: &RedisServer) -> Vec<String> {
    let info = server.raw(&["INFO", "keyspace"]);
    let lines = info.text().unwrap_or_default().lines();
    let lines = lines.filter(|line| line.starts_with("db"));
    lines
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_server_is_here_unless_it_is_said_where() {
    assert_eq!(address(&[("CACHE_TYPE", "redis")]), "localhost:6379");
    assert_eq!(address(&[("REDIS_HOST", "127.0.0.1")]), "127.0.0.1:6379");
    assert_eq!(
        address(&[("REDIS_HOST", "127.0.0.1:7000")]),
        "127.0.0.1:7000"
    );
    let both = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", " 7001 ")];
    assert_eq!(address(&both), "127.0.0.1:7001");
    assert_eq!(
        address(&[("REDIS_HOST", "::1"), ("REDIS_PORT", "7001")]),
        "::1:7001"
    );
    assert_eq!(
        address(&[("CACHE_TYPE", "redis"), ("REDIS_PORT", "7002")]),
        "localhost:7002"
    );
    let socket = [
        ("REDIS_PROTOCOL", "unix"),
        ("REDIS_HOST", "/run/my redis.sock"),
    ];
    assert_eq!(address(&socket), "/run/my redis.sock");
    assert_eq!(
        address(&[("REDIS_URL", "redis://127.0.0.1:7003/1")]),
        "127.0.0.1:7003"
    );
}

#[test]
fn what_cannot_be_a_server_is_named() {
    let said = words(&[("REDIS_HOST", "a"), ("REDIS_PORT", "six")]);
    assert_eq!(
        said,
        "`REDIS_PORT` is `six`: write a whole number from 1 to 65535"
    );
    let said = words(&[("REDIS_HOST", "a"), ("REDIS_PORT", "0")]);
    assert!(said.starts_with("`REDIS_PORT` is `0`"), "{said}");
    let said = words(&[
        ("REDIS_HOST", "redis"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
    ]);
    assert!(
        said.contains("`REDIS_PORT`") && said.contains("Kubernetes"),
        "{said}"
    );
    for host in ["redis://a", "me@a", "a/1", "a b", "a:b", "/run/redis.sock"] {
        let said = words(&[("REDIS_HOST", host)]);
        assert!(
            said.contains("`REDIS_HOST`") && said.contains("a url goes into `REDIS_URL`"),
            "{said}"
        );
    }
    let said = words(&[("REDIS_HOST", "a,b")]);
    assert!(
        said.contains("`REDIS_HOST` is `a,b`: write one host"),
        "{said}"
    );
    let said = words(&[("REDIS_HOST", "a"), ("REDIS_PROTOCOL", "http")]);
    assert_eq!(
        said,
        "`REDIS_PROTOCOL` is `http`: write `redis`, `rediss` for tls, or `unix` for a socket"
    );
    let said = words(&[("REDIS_HOST", "run/redis.sock"), ("REDIS_PROTOCOL", "unix")]);
    assert!(said.contains("write the path of the socket"), "{said}");
    let said = words(&[("REDIS_HOST", "a"), ("REDIS_DB", "first")]);
    assert_eq!(
        said,
        "`REDIS_DB` is `first`: write a whole number from 0 to 9999"
    );
    let said = words(&[("REDIS_HOST", "a"), ("REDIS_USER", "app")]);
    assert_eq!(
        said,
        "`REDIS_PASSWORD` is not set: `REDIS_USER` needs one to log in with"
    );
    let said = words(&[("REDIS_HOST", "localhost"), ("REDIS_TTL", "x")]);
    assert!(
        said.starts_with("`REDIS_TTL` is `x`: write whole seconds"),
        "{said}"
    );
    let said = words(&[("REDIS_URL", "localhost:6379")]);
    assert!(
        said.starts_with(
            "`REDIS_URL` has a value that cannot work, and that is not shown: write `redis://"
        ),
        "{said}"
    );
    let said = words(&[("REDIS_URL", "redis://localhost:port")]);
    assert!(
        said.starts_with("`REDIS_URL`: the url of the redis server"),
        "{said}"
    );
    let said = words(&[
        ("CACHE_TYPE", "redis-cluster"),
        ("REDIS_URL", "redis://localhost"),
    ]);
    assert!(
        said.contains("`CACHE_TYPE` asks for another kind of url, write `redis+cluster://"),
        "{said}"
    );
}

#[tokio::test]
async fn a_password_may_have_any_characters_and_a_database_is_selected() {
    let server = RedisServer::start(&[]);
    server.raw(&["CONFIG", "SET", "requirepass", PASSWORD]);
    let port = server.port().to_string();
    let parts = [
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", &*port),
        ("REDIS_PASSWORD", PASSWORD),
        ("REDIS_DB", "3"),
    ];
    is_used(&cache(&parts)).await;
    assert_eq!(databases(&server), ["db3"]);
}

#[tokio::test]
async fn a_user_may_have_any_characters_and_stand_beside_a_url() {
    let server = RedisServer::start(&[]);
    let rule = format!(">{PASSWORD}");
    server.raw(&["ACL", "SETUSER", "a:b@c", "on", &rule, "~*", "&*", "+@all"]);
    server.raw(&["CONFIG", "SET", "requirepass", "another"]);
    let url = server.url();
    let pairs = [
        ("REDIS_URL", &*url),
        ("REDIS_USER", "a:b@c"),
        ("REDIS_PASSWORD", PASSWORD),
    ];
    let warnings = Warnings::heard();
    is_used(&cache(&pairs)).await;
    let said = warnings.take();
    assert!(
        said.iter().all(|text| !text.contains("REDIS_URL")),
        "nothing is contradicted: {said:?}"
    );
}

#[tokio::test]
async fn a_socket_is_reached_with_its_password() {
    let server = RedisServer::start(&["--unixsocket", "redis.sock"]);
    server.raw(&["CONFIG", "SET", "requirepass", PASSWORD]);
    let dir = server.raw(&["CONFIG", "GET", "dir"]);
    let dir = format!("{dir:?}");
    let start = dir.find('/').expect("a path");
    let path: String = dir[start..].chars().take_while(|c| *c != '"').collect();
    let path = format!("{path}/redis.sock");
    let parts = [
        ("REDIS_PROTOCOL", "unix"),
        ("REDIS_HOST", &*path),
        ("REDIS_PASSWORD", PASSWORD),
        ("REDIS_DB", "2"),
    ];
    is_used(&cache(&parts)).await;
    assert_eq!(databases(&server), ["db2"]);
}

#[test]
fn a_url_stands_above_parts_that_say_something_else_and_says_so_once() {
    let url = "redis://app:right@127.0.0.1:7003/1";
    let parts = [
        ("REDIS_URL", url),
        ("REDIS_PROTOCOL", "rediss"),
        ("REDIS_HOST", "elsewhere"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
        ("REDIS_USER", "other"),
        ("REDIS_PASSWORD", "hunter2"),
        ("REDIS_DB", "2"),
    ];
    let warnings = Warnings::heard();
    assert_eq!(address(&parts), "127.0.0.1:7003");
    let said = warnings.take();
    assert_eq!(said.len(), 1, "{said:?}");
    for (name, _) in &parts {
        assert!(said[0].contains(name), "{name} is not in {said:?}");
    }
    assert!(
        !said[0].contains("hunter2") && !said[0].contains("right"),
        "{said:?}"
    );

    let agreeing = [
        ("REDIS_URL", url),
        ("REDIS_PROTOCOL", "redis"),
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", "7003"),
        ("REDIS_USER", "app"),
        ("REDIS_PASSWORD", "right"),
        ("REDIS_DB", "1"),
    ];
    assert_eq!(address(&agreeing), "127.0.0.1:7003");
    assert_eq!(warnings.take(), [""; 0]);
    assert_eq!(
        address(&[("REDIS_URL", "redis://127.0.0.1"), ("REDIS_PORT", "7004")]),
        "127.0.0.1:6379"
    );
    assert_eq!(
        warnings.take().len(),
        1,
        "a url without a port means the usual one"
    );
}

#[tokio::test]
async fn the_ttl_of_redis_stands_above_the_one_for_all() {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let lives = async |pairs: Pairs<'_>| {
        let cache = cache(pairs);
        is_used(&cache).await;
        cache.ttl("key").await.unwrap().expect("is there").as_secs()
    };
    assert!((590..=600).contains(&lives(&[("REDIS_URL", &url), ("CACHE_TTL", "10m")]).await));
    let both = [
        ("REDIS_URL", &*url),
        ("CACHE_TTL", "10m"),
        ("REDIS_TTL", "20m"),
    ];
    assert!((1_190..=1_200).contains(&lives(&both).await));
    let code = CacheBuilder::from_settings(&settings(&both)).unwrap();
    let code = code.ttl(Duration::from_secs(1_800)).build().unwrap();
    is_used(&code).await;
    assert!(code.ttl("key").await.unwrap().expect("is there").as_secs() > 1_700);
}

#[tokio::test]
async fn processes_of_one_namespace_share_and_others_do_not() {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let of = |namespace| cache(&[("REDIS_URL", &url), ("CACHE_NAMESPACE", namespace)]);
    is_used(&of("shop:prod")).await;
    let (same, other) = (of("shop:prod"), of("shop:test"));
    is_used(&other).await;
    other.remove("key").await.unwrap();
    assert_eq!(other.get::<u32>("key").await.unwrap(), None);
    assert_eq!(same.get::<u32>("key").await.unwrap(), Some(1));
}

#[test]
fn plain_text_to_another_machine_needs_a_word() {
    let elsewhere = [("REDIS_HOST", "cache.internal"), ("CACHE_INSECURE", "true")];
    assert_eq!(address(&elsewhere), "cache.internal:6379");
    let said = words(&elsewhere[..1]);
    let of_parts = "`REDIS_HOST` is on another machine, and what goes there in plain text can be \
         read and changed on the way: set `REDIS_PROTOCOL=rediss` for tls, or \
         `CACHE_INSECURE=true` where the network is trusted";
    assert_eq!(said, of_parts);
    let said = words(&[
        ("REDIS_URL", "redis://:hunter2@10.0.0.1"),
        ("CACHE_INSECURE", "false"),
    ]);
    assert!(
        said.starts_with("`REDIS_URL` is on another machine"),
        "{said}"
    );
    assert!(
        said.contains("write `rediss://` for tls, or `CACHE_INSECURE=true`"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    let said = words(&[("REDIS_HOST", "10.0.0.1"), ("CACHE_INSECURE", "maybe")]);
    assert_eq!(said, "`CACHE_INSECURE` is `maybe`: write `true` or `false`");
    let sentinels = [
        ("REDIS_HOST", "10.0.0.1,10.0.0.2"),
        ("REDIS_SENTINEL_MASTER", "main"),
    ];
    assert!(words(&sentinels).contains("`CACHE_INSECURE=true`"));
    let cluster = [("REDIS_HOST", "10.0.0.1"), ("CACHE_TYPE", "redis-cluster")];
    assert!(words(&cluster).contains("`CACHE_INSECURE=true`"));
}

#[cfg(feature = "redis-rustls")]
#[test]
fn tls_needs_no_such_word() {
    let parts = [
        ("REDIS_PROTOCOL", "rediss"),
        ("REDIS_HOST", "cache.internal"),
        ("REDIS_PORT", "6380"),
    ];
    assert_eq!(address(&parts), "cache.internal:6380");
}
