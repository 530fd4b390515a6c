//! The variables that concern every store.

use std::time::Duration;

use larder::{CacheBuilder, Settings, register};

use super::{Pairs, cache, settings};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// How long a value lives of which nothing is said.
async fn ttl(builder: CacheBuilder) -> Duration {
    let cache = builder.build().expect("settings that are in order");
    cache.set("key", &1_u32).await.expect("is kept here");
    let left = cache.ttl("key").await.expect("is asked here");
    left.expect("is there")
}

fn is_about(left: Duration, wanted: Duration) -> bool {
    left <= wanted && wanted.saturating_sub(left) < seconds(10)
}

async fn lives(pairs: Pairs<'_>, wanted: Duration) {
    let builder = CacheBuilder::from_settings(&settings(pairs)).expect("settings in order");
    let left = ttl(builder).await;
    assert!(is_about(left, wanted), "{left:?}, not {wanted:?}");
}

#[tokio::test]
async fn without_any_there_is_a_near_tier_and_nothing_else() {
    let cache = cache(&[]);
    cache.set("key", &1_u32).await.unwrap();
    assert_eq!(cache.get::<u32>("key").await.unwrap(), Some(1));
    let shown = format!("{cache:?}");
    assert!(
        shown.contains("Moka") && shown.contains("far: None"),
        "{shown}"
    );
    assert_eq!(cache.namespace(), "larder");
}

#[tokio::test]
async fn the_type_memory_is_the_near_tier_whatever_else_is_set() {
    for name in ["memory", "Memory", " MEMORY "] {
        let shown = format!(
            "{:?}",
            cache(&[("CACHE_TYPE", name), ("REDIS_HOST", "elsewhere")])
        );
        assert!(shown.contains("far: None"), "{shown}");
    }
}

#[tokio::test]
async fn a_ttl_is_in_seconds_or_has_units() {
    lives(&[], seconds(300)).await;
    lives(&[("CACHE_TTL", "60")], seconds(60)).await;
    lives(&[("CACHE_TTL", "1h 30m")], seconds(5_400)).await;
    lives(&[("CACHE_TTL", " ")], seconds(300)).await;
}

#[tokio::test]
async fn a_ttl_of_another_store_is_not_meant() {
    let pairs = [
        ("CACHE_TTL", "60"),
        ("REDIS_TTL", "20"),
        ("MEMCACHE_TTL", "30"),
    ];
    lives(&pairs, seconds(60)).await;
}

#[tokio::test]
async fn what_the_program_says_stands_above_its_settings() {
    let settings = settings(&[("CACHE_TTL", "60"), ("CACHE_NAMESPACE", "told")]);
    let builder = CacheBuilder::from_settings(&settings).unwrap();
    let left = ttl(builder.ttl(seconds(120))).await;
    assert!(is_about(left, seconds(120)), "{left:?}");

    let settings = settings.with("CACHE_NAMESPACE", "said");
    let cache = larder::Cache::from_settings(&settings).unwrap();
    assert_eq!(cache.namespace(), "said");
}

#[tokio::test]
async fn the_near_tier_has_the_bound_it_is_given_or_is_left_out() {
    let small = cache(&[("CACHE_MAX_ENTRIES", "10")]);
    for key in 0..500 {
        small.set(&format!("key:{key}"), &key).await.unwrap();
    }
    let eventually = async {
        while small.stats().near_entries > 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let bounded = tokio::time::timeout(seconds(10), eventually).await;
    bounded.expect("the bound is kept");

    let none = cache(&[("CACHE_MAX_ENTRIES", "0")]);
    none.set("key", &1_u32).await.unwrap();
    assert_eq!(none.get::<u32>("key").await.unwrap(), None);
}

#[test]
fn a_registered_store_is_chosen_by_its_name() {
    register("variables-test", |settings: &Settings| {
        let namespace = settings.required("VARIABLES_TEST_NAME", "write a name")?;
        Ok(settings.builder()?.namespace(namespace))
    })
    .unwrap();
    let chosen = [
        ("CACHE_TYPE", "variables-test"),
        ("VARIABLES_TEST_NAME", "own"),
    ];
    assert_eq!(cache(&chosen).namespace(), "own");
    let missing = super::words(&chosen[..1]);
    assert_eq!(missing, "`VARIABLES_TEST_NAME` is not set: write a name");
}

#[test]
fn debug_shows_names_and_no_values() {
    let shown = format!(
        "{:?}",
        settings(&[("REDIS_HOST", "cache"), ("CACHE_TTL", "60")])
    );
    assert_eq!(shown, r#"{"CACHE_TTL", "REDIS_HOST"}"#);
}
