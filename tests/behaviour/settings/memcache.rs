//! The variables of memcached, on real servers.

use test_support::MemcachedServer;

use super::{Pairs, cache, is_used, words};

/// How long the value lives that was just stored.
async fn lives(pairs: Pairs<'_>) -> u64 {
    let cache = cache(pairs);
    is_used(&cache).await;
    cache.ttl("key").await.unwrap().expect("is there").as_secs()
}

fn shown(pairs: Pairs<'_>) -> String {
    format!("{:?}", cache(pairs))
}

#[test]
fn the_servers_are_listed_and_one_is_here_otherwise() {
    for name in ["memcache", "memcached"] {
        let shown = shown(&[("CACHE_TYPE", name)]);
        assert!(shown.contains("localhost:11211"), "{shown}");
    }
    let shown = shown(&[("MEMCACHE_SERVERS", "127.0.0.1:7000, localhost")]);
    assert!(
        shown.contains("127.0.0.1:7000") && shown.contains("localhost:11211"),
        "{shown}"
    );
}

#[tokio::test]
async fn values_are_shared_over_all_servers_and_live_as_long_as_is_said() {
    let servers = [MemcachedServer::start(&[]), MemcachedServer::start(&[])];
    let list = servers.each_ref().map(MemcachedServer::address).join(",");
    let only = [("MEMCACHE_SERVERS", &*list), ("CACHE_TTL", "10m")];
    let left = lives(&only).await;
    assert!((590..=600).contains(&left), "{left}");
    let both = [
        ("MEMCACHE_SERVERS", &*list),
        ("CACHE_TTL", "10m"),
        ("MEMCACHE_TTL", "20m"),
        ("REDIS_TTL", "1m"),
    ];
    let left = lives(&both).await;
    assert!((1_190..=1_200).contains(&left), "{left}");

    let writer = cache(&both);
    let keys: Vec<String> = (0..32).map(|n| format!("key:{n}")).collect();
    is_used(&writer).await;
    for key in &keys {
        writer.set(key, &7_u32).await.unwrap();
    }
    let reader = cache(&both);
    for key in &keys {
        assert_eq!(reader.get::<u32>(key).await.unwrap(), Some(7), "{key}");
    }
    for server in &servers {
        assert_ne!(server.stat("curr_items").as_deref(), Some("0"));
    }
}

#[tokio::test]
async fn a_user_logs_in() {
    let server = MemcachedServer::start_with(&[("users", "app:p@ss:w/rd?\n")], &["-Y", "users"]);
    let address = server.address();
    let pairs = [
        ("MEMCACHE_SERVERS", &*address),
        ("MEMCACHE_USER", "app"),
        ("MEMCACHE_PASSWORD", "p@ss:w/rd?"),
    ];
    is_used(&cache(&pairs)).await;
    let said = words(&pairs[..2]);
    assert_eq!(
        said,
        "`MEMCACHE_PASSWORD` is not set: `MEMCACHE_USER` needs one"
    );
    let said = words(&[pairs[0], pairs[2]]);
    assert_eq!(
        said,
        "`MEMCACHE_USER` is not set: `MEMCACHE_PASSWORD` needs one"
    );
    let said = words(&[pairs[0], pairs[1], ("MEMCACHE_PASSWORD", "line\n")]);
    assert!(said.starts_with("`MEMCACHE_USER`, `MEMCACHE_PASSWORD`: the password"), "{said}");
}

#[test]
fn what_cannot_be_a_list_is_named() {
    let said = words(&[("MEMCACHE_SERVERS", "localhost:port")]);
    assert!(
        said.starts_with("`MEMCACHE_SERVERS`: the list of memcached servers"),
        "{said}"
    );
    let said = words(&[("MEMCACHE_SERVERS", "localhost"), ("MEMCACHE_TTL", "x")]);
    assert!(
        said.starts_with("`MEMCACHE_TTL` is `x`: write whole seconds"),
        "{said}"
    );
    let said = words(&[("MEMCACHE_SERVERS", "localhost"), ("MEMCACHE_TLS", "x")]);
    assert_eq!(said, "`MEMCACHE_TLS` is `x`: write `true` or `false`");
}

#[test]
fn plain_text_to_another_machine_needs_a_word() {
    let elsewhere = [
        ("MEMCACHE_SERVERS", "cache.internal"),
        ("CACHE_INSECURE", "yes"),
    ];
    assert!(shown(&elsewhere).contains("cache.internal:11211"));
    let said = words(&elsewhere[..1]);
    assert!(
        said.starts_with("`MEMCACHE_SERVERS` is on another machine"),
        "{said}"
    );
    assert!(
        said.contains("set `MEMCACHE_TLS=true`, or `CACHE_INSECURE=true`"),
        "{said}"
    );
}

#[cfg(feature = "memcached-rustls")]
#[test]
fn tls_needs_no_such_word() {
    let pairs = [
        ("MEMCACHE_SERVERS", "cache.internal"),
        ("MEMCACHE_TLS", "true"),
    ];
    assert!(shown(&pairs).contains("cache.internal:11211"));
}

#[test]
fn no_password_is_shown() {
    let wrong: [Pairs<'_>; 4] = [
        &[
            ("MEMCACHE_SERVERS", "localhost"),
            ("MEMCACHE_USER", "a b"),
            ("MEMCACHE_PASSWORD", "hunter2"),
        ],
        &[
            ("MEMCACHE_SERVERS", "localhost"),
            ("MEMCACHE_PASSWORD", "hunter2"),
        ],
        &[("MEMCACHE_SERVERS", "me:hunter2@localhost")],
        &[("MEMCACHE_SERVERS", "memcached://hunter2")],
    ];
    for pairs in wrong {
        let error = super::refusal(pairs);
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let right = [
        ("MEMCACHE_SERVERS", "localhost"),
        ("MEMCACHE_USER", "app"),
        ("MEMCACHE_PASSWORD", "hunter2"),
    ];
    let shown = shown(&right);
    assert!(!shown.contains("hunter2"), "{shown}");
}
