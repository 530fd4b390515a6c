//! The options that decide what is kept, and for how long.

#[cfg(feature = "redis")]
mod far;
mod jitter;
mod kept_errors;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use larder::{Cache, Clock, Moka, cached, invalidate_cache};

use crate::world::{Source, near_cache};

/// A cache without jitter whose time the test moves.
fn timed() -> (Cache, Clock) {
    let clock = Clock::manual();
    let cache = Cache::builder()
        .near(Moka::default())
        .clock(clock.clone())
        .jitter(0.0)
        .build()
        .expect("the settings are in order");
    (cache, clock)
}

#[cached(key = "if:<id>", if = *id < 10 && !fresh, cache = cache, skip(cache, source, fresh))]
async fn only_small(cache: &Cache, source: &Source, id: &u64, fresh: bool) -> u64 {
    source.load().await * 100 + *id
}

#[tokio::test]
async fn a_call_that_the_condition_excludes_neither_looks_nor_stores() {
    let (cache, source) = (near_cache(), Source::open());
    assert_eq!(only_small(&cache, &source, &1, false).await, 101);
    source.commit();
    assert_eq!(only_small(&cache, &source, &1, true).await, 201, "no look");
    assert_eq!(
        only_small(&cache, &source, &1, false).await,
        101,
        "no store"
    );
    only_small(&cache, &source, &10, false).await;
    only_small(&cache, &source, &10, false).await;
    assert_eq!(source.loads(), 4);
    let stats = cache.stats().total;
    assert_eq!((stats.near_hits, stats.misses, stats.loads), (1, 1, 1));
}

#[tokio::test]
async fn an_excluded_call_does_not_wait_for_a_load_of_its_key() {
    let (cache, held, open) = (near_cache(), Source::closed(), Source::open());
    let leader = only_small(&cache, &held, &1, false);
    let excluded = async {
        held.begun().await;
        let answer = only_small(&cache, &open, &1, true).await;
        held.let_one();
        answer
    };
    assert_eq!(tokio::join!(leader, excluded), (101, 101));
    assert_eq!((held.loads(), open.loads()), (1, 1));
    assert_eq!(cache.stats().total.misses, 1, "the leader's");
}

#[cached(key = "unless:<len>", unless = Vec::is_empty, cache = cache, skip(cache, source))]
async fn list(cache: &Cache, source: &Source, len: usize) -> Result<Option<Vec<u64>>, String> {
    let version = source.load().await;
    Ok(Some(vec![version; len]))
}

#[tokio::test]
async fn a_value_that_unless_excludes_is_not_kept() {
    let (cache, source) = (near_cache(), Source::open());
    for _ in 0..3 {
        assert_eq!(list(&cache, &source, 0).await, Ok(Some(vec![])));
        assert_eq!(list(&cache, &source, 1).await, Ok(Some(vec![1])));
    }
    assert_eq!(source.loads(), 3 + 1);
}

#[tokio::test]
async fn a_value_that_is_not_kept_is_shared_with_those_who_waited() {
    let (cache, source) = (near_cache(), Source::closed());
    let release = async {
        source.begun().await;
        // Everybody who was to join has joined: they were polled before.
        source.let_one();
    };
    let empty = || list(&cache, &source, 0);
    let (a, b, c, ()) = tokio::join!(empty(), empty(), empty(), release);
    assert_eq!((&a, &b, &c), (&Ok(Some(vec![])), &a, &a));
    assert_eq!(source.loads(), 1);
    assert_eq!(cache.stats().total.coalesced, 2);
}

#[cached(
    key = "ttl_from:<secs>",
    ttl_from = |token: &Token| token.expires_in,
    cache = cache,
    skip(cache, source)
)]
async fn token(cache: &Cache, source: &Source, secs: u64) -> Result<Token, String> {
    source.load().await;
    let expires_in = Duration::from_secs(secs);
    Ok(Token { expires_in })
}

#[derive(Debug, Clone)]
struct Token {
    expires_in: Duration,
}

#[tokio::test]
async fn each_value_says_how_long_it_lives() {
    let ((cache, clock), source) = (timed(), Source::open());
    for secs in [2, 5] {
        token(&cache, &source, secs).await.unwrap();
    }
    clock.advance(Duration::from_millis(1_999));
    token(&cache, &source, 2).await.unwrap();
    assert_eq!(source.loads(), 2, "both live");
    clock.advance(Duration::from_millis(1));
    token(&cache, &source, 2).await.unwrap();
    assert_eq!(source.loads(), 3, "the first is dead");
    clock.advance(Duration::from_millis(2_999));
    token(&cache, &source, 5).await.unwrap();
    assert_eq!(source.loads(), 3, "the second lives on");
    clock.advance(Duration::from_millis(1));
    token(&cache, &source, 5).await.unwrap();
    assert_eq!(source.loads(), 4);
}

#[tokio::test]
async fn a_ttl_of_nothing_keeps_nothing_and_one_of_ages_is_cut() {
    let ((cache, clock), source) = (timed(), Source::open());
    for _ in 0..3 {
        token(&cache, &source, 0).await.unwrap();
    }
    assert_eq!(source.loads(), 3);
    token(&cache, &source, u64::MAX).await.unwrap();
    let moment = Duration::from_millis(1);
    clock.advance(larder::policy::MAX_TTL.saturating_sub(moment));
    token(&cache, &source, u64::MAX).await.unwrap();
    assert_eq!(source.loads(), 4, "a hundred years less a moment");
    clock.advance(moment);
    token(&cache, &source, u64::MAX).await.unwrap();
    assert_eq!(source.loads(), 5);
}

#[tokio::test]
async fn the_ttl_of_a_value_varies_like_any() {
    let clock = Clock::manual();
    let cache = Cache::builder().near(Moka::default()).jitter(0.5);
    let cache = cache.clock(clock.clone()).build().unwrap();
    let source = Source::open();
    for secs in 1_000..1_100 {
        token(&cache, &source, secs).await.unwrap();
    }
    clock.advance(Duration::from_secs(1_000));
    for secs in 1_000..1_100 {
        token(&cache, &source, secs).await.unwrap();
    }
    let died = source.loads() - 100;
    assert!((10..90).contains(&died), "{died} of 100 died early");
}

const BRIEF: Duration = Duration::from_millis(1_500);

mod limits {
    use std::time::Duration;

    pub(super) const fn absence() -> Duration {
        Duration::from_millis(500)
    }
}

#[cached(
    key = "constant:<some>",
    ttl = BRIEF,
    none_ttl = limits::absence(),
    cache = cache,
    skip(cache, source)
)]
async fn constant(cache: &Cache, source: &Source, some: bool) -> Option<u64> {
    let version = source.load().await;
    some.then_some(version)
}

#[tokio::test]
async fn a_ttl_can_be_a_constant_of_the_program() {
    let ((cache, clock), source) = (timed(), Source::open());
    let both = async || {
        constant(&cache, &source, true).await;
        constant(&cache, &source, false).await;
        source.loads()
    };
    assert_eq!(both().await, 2);
    clock.advance(Duration::from_millis(499));
    assert_eq!(both().await, 2);
    clock.advance(Duration::from_millis(1));
    assert_eq!(both().await, 3, "the absence is dead");
    clock.advance(Duration::from_secs(1));
    assert_eq!(both().await, 5, "both are dead");
}

#[cached(
    key = "secret:<token>:<mail:lower>:<id>",
    tags = ["of:<token>"],
    sensitive(token, mail),
    cache = cache,
    skip(cache, source)
)]
async fn secret(cache: &Cache, source: &Source, token: &str, mail: &str, id: u64) -> u64 {
    source.load().await
}

#[invalidate_cache(keys = ["secret:<token:hash>:<mail:lower:hash>:<id>"], cache = cache)]
async fn change_secret(cache: &Cache, token: &str, mail: &str, id: u64) {
    let _ = (token, mail, id);
}

#[invalidate_cache(tags = ["of:<token:hash>"], cache = cache)]
async fn revoke(cache: &Cache, token: &str) {
    let _ = token;
}

#[tokio::test]
async fn a_sensitive_value_is_in_a_key_what_the_hash_filter_makes_of_it() {
    let (cache, source) = (near_cache(), Source::open());
    secret(&cache, &source, "t", "A@b", 1).await;
    secret(&cache, &source, "t", "a@b", 1).await;
    assert_eq!(source.loads(), 1, "in lower case they are one");
    let token = "e3b98a4da31a127d4bde6e43033f66ba";
    let mail = "7508d8b5018ea640b85269861a101203";
    assert!(
        cache
            .exists(&format!("secret:{token}:{mail}:1"))
            .await
            .unwrap()
    );
    change_secret(&cache, "t", "a@B", 1).await;
    secret(&cache, &source, "t", "a@b", 1).await;
    assert_eq!(source.loads(), 2);
    revoke(&cache, "t").await;
    secret(&cache, &source, "t", "a@b", 1).await;
    assert_eq!(source.loads(), 3);
    secret(&cache, &source, "u", "a@b", 1).await;
    assert_eq!(source.loads(), 4, "another token is another key");
}

#[cached(
    key = "blocking:<id>",
    if = id < 10,
    unless = |id: &u64| *id == 7,
    err_ttl = "5s",
    cache = cache,
    skip(cache, loads)
)]
fn blocking(cache: &Cache, loads: &AtomicU64, id: u64) -> Result<u64, String> {
    loads.fetch_add(1, Ordering::Relaxed);
    (id > 0).then_some(id).ok_or_else(|| "nothing".to_owned())
}

#[test]
fn a_function_that_blocks_has_the_same_options() {
    let ((cache, clock), loads) = (timed(), AtomicU64::new(0));
    let loads_of = |id, ok| {
        let before = loads.load(Ordering::Relaxed);
        for _ in 0..3 {
            assert_eq!(blocking(&cache, &loads, id).is_ok(), ok);
        }
        loads.load(Ordering::Relaxed) - before
    };
    assert_eq!(loads_of(1, true), 1);
    assert_eq!(loads_of(10, true), 3, "not by `if`");
    assert_eq!(loads_of(7, true), 3, "not by `unless`");
    assert_eq!(loads_of(0, false), 1, "the error is kept");
    clock.advance(Duration::from_secs(5));
    assert_eq!(loads_of(0, false), 1, "and for its time only");
}
