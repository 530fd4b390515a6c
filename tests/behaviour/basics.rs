//! What everybody expects of a cached function.

use std::{sync::Arc, time::Duration};

use larder::{Cache, Clock, Moka, cached, invalidate_cache};

use crate::world::{Source, near_cache};

#[cached(key = "basics:<id>", cache = cache, skip(cache, source))]
async fn plain(cache: Cache, source: Source, id: u64) -> u64 {
    source.load().await + id
}

#[tokio::test]
async fn the_second_call_with_equal_arguments_does_not_run_the_body() {
    let (cache, source) = (near_cache(), Source::open());
    assert_eq!(plain(cache.clone(), source.clone(), 1).await, 2);
    assert_eq!(plain(cache.clone(), source.clone(), 1).await, 2);
    assert_eq!(source.loads(), 1);
    assert_eq!(plain(cache, source.clone(), 2).await, 3);
    assert_eq!(source.loads(), 2, "other arguments are another value");
}

type Answer<T> = Result<T, &'static str>;

#[cached(key = "answers:<ok>", cache = cache, skip(cache, source))]
async fn fallible(cache: &Cache, source: &Source, ok: bool) -> Answer<u64> {
    let version = source.load().await;
    ok.then_some(version).ok_or("no")
}

#[tokio::test]
async fn only_ok_is_kept() {
    let (cache, source) = (near_cache(), Source::open());
    for _ in 0..3 {
        assert_eq!(fallible(&cache, &source, false).await, Err("no"));
    }
    assert_eq!(source.loads(), 3);
    for _ in 0..3 {
        assert_eq!(fallible(&cache, &source, true).await, Ok(1));
    }
    assert_eq!(source.loads(), 4);
}

#[cached(key = "maybe:<some>", cache = cache, skip(cache, source))]
async fn maybe(cache: &Cache, source: &Source, some: bool) -> Option<u64> {
    let version = source.load().await;
    some.then_some(version)
}

#[cached(key = "remembered:<some>", none_ttl = "1s", cache = cache, skip(cache, source))]
async fn remembered(cache: &Cache, source: &Source, some: bool) -> Answer<Option<u64>> {
    let version = source.load().await;
    Ok(some.then_some(version))
}

#[tokio::test]
async fn none_is_kept_only_if_asked_for_and_for_its_own_time() {
    let clock = Clock::manual();
    let cache = Cache::builder()
        .near(Moka::default())
        .clock(clock.clone())
        .jitter(0.0)
        .build()
        .unwrap();
    let source = Source::open();
    for _ in 0..3 {
        assert_eq!(maybe(&cache, &source, false).await, None);
    }
    assert_eq!(source.loads(), 3);

    let source = Source::open();
    for _ in 0..3 {
        assert_eq!(remembered(&cache, &source, false).await, Ok(None));
        assert_eq!(remembered(&cache, &source, true).await, Ok(Some(1)));
    }
    assert_eq!(source.loads(), 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(remembered(&cache, &source, false).await, Ok(None));
    assert_eq!(remembered(&cache, &source, true).await, Ok(Some(1)));
    assert_eq!(
        source.loads(),
        3,
        "the absence has expired, the value has not"
    );
}

#[cached(ttl = "250ms", key = "brief:<id>", cache = cache, skip(cache, source))]
async fn brief(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await + id
}

#[tokio::test]
async fn a_value_expires_after_its_ttl_and_not_before() {
    let clock = Clock::manual();
    let cache = Cache::builder()
        .near(Moka::default())
        .clock(clock.clone())
        .jitter(0.0)
        .build()
        .unwrap();
    let source = Source::open();
    brief(&cache, &source, 0).await;
    clock.advance(Duration::from_millis(249));
    brief(&cache, &source, 0).await;
    assert_eq!(source.loads(), 1);
    clock.advance(Duration::from_millis(1));
    brief(&cache, &source, 0).await;
    assert_eq!(source.loads(), 2);
}

#[invalidate_cache(prefix = "basics", cache = cache)]
async fn write(cache: &Cache, source: &Source, ok: bool) -> Answer<u64> {
    let version = source.commit();
    ok.then_some(version).ok_or("no")
}

#[invalidate_cache(prefix = "basics", when = always, cache = cache)]
async fn write_for_certain(cache: &Cache, source: &Source, ok: bool) -> Answer<u64> {
    let version = source.commit();
    ok.then_some(version).ok_or("no")
}

#[tokio::test]
async fn a_write_invalidates_if_it_succeeds_or_always() {
    let (cache, source) = (near_cache(), Source::open());
    let read = || plain(cache.clone(), source.clone(), 0);
    assert_eq!(read().await, 1);
    write(&cache, &source, true).await.unwrap();
    assert_eq!(read().await, 2);
    write(&cache, &source, false).await.unwrap_err();
    assert_eq!(read().await, 2, "a failed write is taken by its word");
    write_for_certain(&cache, &source, false).await.unwrap_err();
    assert_eq!(read().await, 4);
}

#[tokio::test]
async fn a_write_that_is_cancelled_invalidates_all_the_same() {
    #[invalidate_cache(prefix = "basics", cache = cache)]
    async fn slow_write(cache: &Cache, source: &Source) -> Answer<()> {
        source.commit();
        std::future::pending().await
    }
    let (cache, source) = (near_cache(), Source::open());
    let read = || plain(cache.clone(), source.clone(), 0);
    assert_eq!(read().await, 1);
    tokio::select! {
        biased;
        _ = slow_write(&cache, &source) => unreachable!("it never ends"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(read().await, 2);
}

struct Service {
    cache: Cache,
    source: Source,
    region: Arc<str>,
}

impl Service {
    #[cached(ttl = 60, key = "regions:<self.region>:<id>", tags = ["region:<self.region>"], cache = self.cache)]
    async fn get(&self, id: u64) -> Answer<u64> {
        Ok(self.source.load().await + id)
    }

    #[invalidate_cache(tags = ["region:<self.region>"], cache = self.cache)]
    async fn put(&self) -> Answer<()> {
        self.source.commit();
        Ok(())
    }
}

#[tokio::test]
async fn methods_share_by_what_their_key_says_and_tags_reach_them() {
    let (cache, source) = (near_cache(), Source::open());
    let service = |region: &str| Service {
        cache: cache.clone(),
        source: source.clone(),
        region: region.into(),
    };
    let (north, south) = (service("north"), service("south"));
    assert_eq!(north.get(0).await, Ok(1));
    assert_eq!(south.get(0).await, Ok(1));
    assert_eq!(source.loads(), 2, "two regions, two values");
    assert_eq!(service("north").get(0).await, Ok(1));
    assert_eq!(source.loads(), 2, "another instance of one region");
    north.put().await.unwrap();
    assert_eq!(north.get(0).await, Ok(2));
    assert_eq!(south.get(0).await, Ok(1), "another region's tag");
}

#[tokio::test]
async fn the_default_cache_serves_functions_that_name_no_other() {
    #[cached]
    async fn answer(question: &str) -> String {
        format!("{question}? {:?}", std::time::Instant::now())
    }
    let first = answer("why").await;
    assert_eq!(answer("why").await, first);
    assert_ne!(answer("how").await, first);
}

#[cached(key = "shared:<id>", cache = cache, skip(cache))]
async fn as_number(cache: &Cache, id: u64) -> u64 {
    id
}

#[cached(key = "shared:<id>", cache = cache, skip(cache))]
async fn as_text(cache: &Cache, id: u64) -> String {
    id.to_string()
}

#[tokio::test]
async fn a_value_of_another_type_is_counted_as_a_miss_and_as_nothing_else() {
    let cache = near_cache();
    assert_eq!(as_number(&cache, 7).await, 7);
    assert_eq!(as_text(&cache, 7).await, "7");
    let total = cache.stats().total;
    assert_eq!((total.near_hits, total.misses, total.loads), (0, 2, 2));
}
