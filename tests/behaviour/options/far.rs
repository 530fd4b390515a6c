//! What of it reaches a shared store, as its own eyes see it.

use std::time::Duration;

use larder::{Cache, Moka, Redis, cached};
use test_support::{RedisServer, Reply};

use crate::world::Source;

/// A cache of both tiers for which a busy machine is no outage, and which hears of the others: when
/// it begins to, it forgets what it knew, also what is being loaded.
async fn cache(server: &RedisServer) -> Cache {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(server.url()).deadline(long).build();
    let cache = Cache::builder()
        .near(Moka::default())
        .far(redis.expect("the settings are in order"))
        .outage_budget(long)
        .jitter(0.0)
        .build()
        .expect("the settings are in order");
    cache
        .get::<u64>("anything")
        .await
        .expect("a running server");
    while !cache.stats().feed_alive {
        tokio::task::yield_now().await;
    }
    cache
}

/// The name in the store of the one key that ends with `key`.
fn slot(server: &RedisServer, key: &str) -> Option<String> {
    let mut named = names(server).into_iter().filter(|name| name.ends_with(key));
    let slot = named.next();
    assert_eq!(named.next(), None, "one slot for `{key}`");
    slot
}

fn names(server: &RedisServer) -> Vec<String> {
    let Reply::Array(names) = server.raw(&["KEYS", "*"]) else {
        panic!("`KEYS` is a list");
    };
    let text = |name: &Reply| name.text().expect("a key is text").to_owned();
    names.iter().map(text).collect()
}

#[cached(
    key = "lives:<secs>",
    ttl_from = |secs: &u64| Duration::from_secs(*secs),
    cache = cache,
    skip(cache)
)]
async fn lives(cache: &Cache, secs: u64) -> u64 {
    secs
}

#[tokio::test]
async fn the_store_is_told_the_ttl_that_the_value_says() {
    let server = RedisServer::start(&[]);
    let cache = cache(&server).await;
    for secs in [2, 5_000] {
        lives(&cache, secs).await;
        let slot = slot(&server, &format!("lives:{secs}")).expect("it is stored");
        let left = server.raw(&["PTTL", &slot]).int().expect("a number");
        let whole = i64::try_from(secs).unwrap() * 1_000;
        assert!((whole - 1_500..=whole).contains(&left), "{left} of {whole}");
    }
    lives(&cache, u64::MAX).await;
    let ages = slot(&server, &format!("lives:{}", u64::MAX)).expect("it is stored");
    let left = server.raw(&["PTTL", &ages]).int().expect("a number");
    let year = 365 * 86_400_000;
    assert!(left > 9 * year, "{left} ms are not what the store bears");
    lives(&cache, 0).await;
    assert!(value(&server, "lives:0").is_none(), "a ttl of zero");
}

/// The bytes of an entry: what is left of a lease is none.
fn value(server: &RedisServer, key: &str) -> Option<Vec<u8>> {
    match server.raw(&["GET", &slot(server, key)?]) {
        Reply::Bulk(bytes) if bytes.len() > 12 => Some(bytes),
        _ => None,
    }
}

#[cached(key = "lists:<len>", unless = Vec::is_empty, cache = cache, skip(cache, source))]
async fn list(cache: &Cache, source: &Source, len: usize) -> Vec<u64> {
    let version = source.load().await;
    vec![version; len]
}

#[tokio::test]
async fn what_unless_excludes_is_not_in_the_store_and_holds_no_lease_there() {
    let server = RedisServer::start(&[]);
    let (cache, source) = (cache(&server).await, Source::open());
    list(&cache, &source, 3).await;
    list(&cache, &source, 0).await;
    assert!(value(&server, "lists:3").is_some());
    assert!(value(&server, "lists:0").is_none());
    // Another process can load and store it at once.
    let other = self::cache(&server).await;
    list(&other, &source, 0).await;
    assert_eq!(other.stats().total.stores_refused, 0);
    assert_eq!(source.loads(), 3);
}

#[cached(key = "fails:<ok>", err_ttl = "1m", cache = cache, skip(cache, source))]
async fn fails(cache: &Cache, source: &Source, ok: bool) -> Result<u64, String> {
    let version = source.load().await;
    ok.then_some(version).ok_or_else(|| "secret".to_owned())
}

#[tokio::test]
async fn a_kept_error_stays_in_its_process() {
    let server = RedisServer::start(&[]);
    let (cache, source) = (cache(&server).await, Source::open());
    for _ in 0..3 {
        assert!(fails(&cache, &source, false).await.is_err());
    }
    assert_eq!(source.loads(), 1);
    assert!(value(&server, "fails:false").is_none());
    assert_eq!(cache.stats().total.far_errors, 0);
    let other = self::cache(&server).await;
    assert!(fails(&other, &source, false).await.is_err());
    assert_eq!(source.loads(), 2, "another process asks for itself");
    // And what another process stores or invalidates counts here.
    other.set("fails:false", &9_u64).await.unwrap();
    while fails(&cache, &source, false).await != Ok(9) {
        tokio::task::yield_now().await;
    }
}

#[cached(key = "bypassed:<id>", if = id != 0, cache = cache, skip(cache))]
async fn bypassed(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_call_that_the_condition_excludes_does_not_talk_to_the_store() {
    let server = RedisServer::start(&[]);
    let cache = cache(&server).await;
    bypassed(&cache, 1).await;
    let before = server.info("total_commands_processed");
    let commands = |field: Option<String>| field.unwrap().parse::<u64>().unwrap();
    for _ in 0..100 {
        bypassed(&cache, 0).await;
    }
    let after = server.info("total_commands_processed");
    // The feed's heartbeats and these two questions go on.
    assert!(commands(after) - commands(before) < 50);
    assert_eq!(slot(&server, "bypassed:0"), None);
}

#[cached(
    key = "sessions:<token>:<user.mail:lower>",
    tags = ["of:<token>"],
    sensitive(token, user),
    cache = cache,
    skip(cache)
)]
async fn session(cache: &Cache, token: &str, user: User) -> u64 {
    7
}

#[cached(cache = cache, skip(cache), sensitive(token))]
async fn by_default(cache: &Cache, token: &str, id: u64) -> u64 {
    id
}

struct User {
    mail: String,
}

#[tokio::test]
async fn a_sensitive_value_is_nowhere_in_the_store() {
    const SECRETS: [&str; 3] = ["hunter2", "Ann@Example", "ann@example"];
    let server = RedisServer::start(&[]);
    let cache = cache(&server).await;
    // Long enough that the store's name of the key is cut and the entry holds it whole.
    for token in ["hunter2".to_owned(), "hunter2".repeat(40)] {
        let mail = "Ann@Example".to_owned();
        session(&cache, &token, User { mail }).await;
        by_default(&cache, &token, 4_711).await;
    }
    let names = names(&server);
    assert!(names.iter().any(|name| name.contains("sessions")));
    assert!(names.iter().any(|name| name.contains("4711")));
    for name in names {
        let Reply::Bulk(value) = server.raw(&["GET", &name]) else {
            panic!("`{name}` has a value");
        };
        let value = String::from_utf8_lossy(&value);
        for secret in SECRETS {
            assert!(!name.contains(secret), "the key `{name}`");
            assert!(!value.contains(secret), "the value of `{name}`: {value}");
        }
    }
}
