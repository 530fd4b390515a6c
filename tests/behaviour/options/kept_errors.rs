//! `err_ttl`: errors are remembered in this process, for their own time, and for those who ask
//! for it only.

use std::{sync::Arc, time::Duration};

use larder::{Cache, cached, invalidate_cache};

use super::timed;
use crate::{
    log::Warnings,
    world::{Source, near_cache},
};

#[derive(Debug, Clone, PartialEq)]
struct Lost(Arc<str>);

fn lost(version: u64) -> Lost {
    Lost(format!("in version {version}").into())
}

#[cached(key = "flaky:<ok>", ttl = "1m", err_ttl = "5s", cache = cache, skip(cache, source))]
async fn flaky(cache: &Cache, source: &Source, ok: bool) -> Result<u64, Lost> {
    let version = source.load().await;
    ok.then_some(version).ok_or_else(|| lost(version))
}

#[tokio::test]
async fn an_error_is_kept_for_its_own_time_and_comes_back_as_it_was() {
    let ((cache, clock), source) = (timed(), Source::open());
    for _ in 0..3 {
        assert_eq!(flaky(&cache, &source, false).await, Err(lost(1)));
        assert_eq!(flaky(&cache, &source, true).await, Ok(1));
    }
    assert_eq!(source.loads(), 2);
    source.commit();
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(flaky(&cache, &source, false).await, Err(lost(1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(flaky(&cache, &source, false).await, Err(lost(2)));
    assert_eq!(flaky(&cache, &source, true).await, Ok(1));
    assert_eq!(source.loads(), 3, "the value has lived on");
    let stats = cache.stats().total;
    assert_eq!((stats.loads, stats.load_errors, stats.misses), (3, 2, 3));
    assert_eq!(stats.near_hits, 6, "a kept error is a hit");
}

#[invalidate_cache(prefix = "flaky", cache = cache)]
async fn repair(cache: &Cache, source: &Source) -> u64 {
    source.commit()
}

#[tokio::test]
async fn an_invalidation_removes_a_kept_error() {
    let (cache, source) = (near_cache(), Source::open());
    assert_eq!(flaky(&cache, &source, false).await, Err(lost(1)));
    repair(&cache, &source).await;
    assert_eq!(flaky(&cache, &source, false).await, Err(lost(2)));
    cache.remove("flaky:false").await.unwrap();
    source.commit();
    assert_eq!(flaky(&cache, &source, false).await, Err(lost(3)));
    cache.set("flaky:false", &7_u64).await.unwrap();
    assert_eq!(flaky(&cache, &source, false).await, Ok(7));
}

#[tokio::test]
async fn an_invalidation_during_a_load_keeps_its_error_out() {
    let (cache, source) = (near_cache(), Source::closed());
    let invalidate = async {
        source.begun().await;
        cache.remove("flaky:false").await.unwrap();
        source.let_one();
    };
    let (failed, ()) = tokio::join!(flaky(&cache, &source, false), invalidate);
    assert_eq!(failed, Err(lost(1)));
    let again = async {
        source.begun().await;
        source.let_one();
    };
    let (failed, ()) = tokio::join!(flaky(&cache, &source, false), again);
    assert_eq!((failed, source.loads()), (Err(lost(1)), 2));
}

#[cached(key = "flaky:<ok>", cache = cache, skip(cache, source))]
async fn steady(cache: &Cache, source: &Source, ok: bool) -> Result<u64, Lost> {
    source.load().await;
    Ok(u64::from(ok) + 100)
}

#[cached(key = "flaky:<ok>", err_ttl = 5, cache = cache, skip(cache, source))]
async fn other_error(cache: &Cache, source: &Source, ok: bool) -> Result<u64, String> {
    source.load().await;
    ok.then_some(1).ok_or_else(|| "of another type".to_owned())
}

#[tokio::test]
async fn to_who_did_not_ask_for_it_a_kept_error_is_a_miss() {
    let (cache, source) = (near_cache(), Source::open());
    let warnings = Warnings::heard();
    let fail = async || assert_eq!(flaky(&cache, &source, false).await, Err(lost(1)));
    fail().await;
    let key = "flaky:false";
    let hits = cache.stats().total.near_hits;
    assert_eq!(cache.get::<u64>(key).await.unwrap(), None);
    assert_eq!(cache.get_many::<u64>(&[key]).await.unwrap(), [None]);
    assert_eq!(cache.stats().total.near_hits, hits, "both are misses");
    assert!(!cache.exists(key).await.unwrap());
    assert!(!cache.touch(key, Duration::from_secs(60)).await.unwrap());
    fail().await;
    assert_eq!(source.loads(), 1, "and there it stays");

    let loaded = cache
        .get_or_load(key, || async { Ok::<_, Lost>(5_u64) })
        .await;
    assert_eq!(loaded, Ok(5));
    assert_eq!(flaky(&cache, &source, false).await, Ok(5), "replaced");

    cache.remove(key).await.unwrap();
    fail().await;
    assert_eq!(steady(&cache, &source, false).await, Ok(100));
    assert_eq!(flaky(&cache, &source, false).await, Ok(100), "replaced");

    cache.remove(key).await.unwrap();
    fail().await;
    let other = other_error(&cache, &source, false).await;
    assert_eq!(other, Err("of another type".to_owned()));
    let loads = source.loads();
    fail().await;
    assert_eq!(source.loads(), loads + 1, "replaced by the other's");
    assert_eq!(warnings.take(), [""; 0]);

    // A value of another type is another matter.
    cache.set(key, &"text".to_owned()).await.unwrap();
    steady(&cache, &source, false).await.unwrap();
    let warnings = warnings.take();
    assert!(
        warnings.len() == 1 && warnings[0].contains("two functions keep values of different types"),
        "{warnings:?}"
    );
}

#[cached(
    key = "all:<which>",
    ttl_from = |secs: &u64| Duration::from_secs(*secs),
    unless = |secs: &u64| *secs == 3,
    none_ttl = "2s",
    err_ttl = "1s",
    cache = cache,
    skip(cache, source)
)]
async fn everything(cache: &Cache, source: &Source, which: u64) -> Result<Option<u64>, String> {
    source.load().await;
    match which {
        0 => Err("no".to_owned()),
        1 => Ok(None),
        secs => Ok(Some(secs)),
    }
}

#[tokio::test]
async fn each_part_of_a_result_has_its_own_time() {
    let ((cache, clock), source) = (timed(), Source::open());
    let alive = async || {
        let before = source.loads();
        let mut alive = Vec::new();
        for which in [0, 1, 3, 4] {
            let loads = source.loads();
            everything(&cache, &source, which).await.ok();
            alive.push(source.loads() == loads);
        }
        (alive, source.loads() - before)
    };
    assert_eq!(alive().await.1, 4);
    clock.advance(Duration::from_millis(999));
    assert_eq!(alive().await.0, [true, true, false, true]);
    clock.advance(Duration::from_millis(1));
    assert_eq!(alive().await.0, [false, true, false, true]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(alive().await.0, [false, false, false, true]);
    clock.advance(Duration::from_secs(2));
    assert_eq!(alive().await.0, [false, false, false, false]);
}
