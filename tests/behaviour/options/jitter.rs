//! How far the times of one function vary.

use std::time::Duration;

use larder::{Cache, Clock, Dice, Moka, cached};

use crate::world::Source;

/// A cache that says how far times vary, with dice that repeat, whose time the test moves.
fn cache(jitter: f64) -> (Cache, Clock) {
    let clock = Clock::manual();
    let cache = Cache::builder()
        .near(Moka::default())
        .clock(clock.clone())
        .dice(Dice::seeded(7))
        .jitter(jitter);
    (cache.build().expect("the settings are in order"), clock)
}

#[cached(key = "exact:<id>", ttl = 100, jitter = 0, cache = cache, skip(cache, source))]
async fn exact(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await + id
}

#[cached(
    key = "varied:<id>",
    ttl = 100,
    none_ttl = 100,
    jitter = "20%",
    cache = cache,
    skip(cache, source)
)]
async fn varied(cache: &Cache, source: &Source, id: u64) -> Option<u64> {
    let loaded = source.load().await;
    id.is_multiple_of(2).then_some(loaded)
}

#[tokio::test]
async fn a_function_without_jitter_keeps_all_its_values_for_one_time() {
    let (cache, clock) = cache(0.5);
    let source = Source::open();
    for id in 0..100 {
        exact(&cache, &source, id).await;
    }
    clock.advance(Duration::from_millis(99_999));
    for id in 0..100 {
        exact(&cache, &source, id).await;
    }
    assert_eq!(source.loads(), 100, "none ended early");
    clock.advance(Duration::from_millis(1));
    for id in 0..100 {
        exact(&cache, &source, id).await;
    }
    assert_eq!(source.loads(), 200, "all ended");
}

#[tokio::test]
async fn a_function_varies_its_times_as_far_as_it_says_where_its_cache_does_not() {
    let (cache, clock) = cache(0.0);
    let source = Source::open();
    for id in 0..100 {
        varied(&cache, &source, id).await;
    }
    // Whatever is found lives on; what is loaded anew would end later than the last look.
    let mut ended = Vec::new();
    for (at, step) in [(79, 79), (100, 21), (121, 21)] {
        clock.advance(Duration::from_secs(step));
        let before = source.loads();
        for id in 0..100 {
            varied(&cache, &source, id).await;
        }
        ended.push((at, source.loads() - before));
    }
    assert_eq!(ended[0], (79, 0), "not before 80 % of the ttl");
    assert!((30..70).contains(&ended[1].1), "{ended:?}");
    assert_eq!(ended[1].1 + ended[2].1, 100, "not after 120 % of it");
}
