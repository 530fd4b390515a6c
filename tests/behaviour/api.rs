//! The methods of `Cache`, each the same on every combination of tiers.

use std::{collections::BTreeMap, time::Duration};

use larder::{Cache, CacheBuilder, ErrorKind, Moka, SetOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    tags: BTreeMap<String, Option<bool>>,
}

fn user(id: u64) -> User {
    User {
        id,
        name: format!("user {id}"),
        tags: [
            ("admin".to_owned(), Some(id == 1)),
            ("new".to_owned(), None),
        ]
        .into(),
    }
}

/// Runs `test` on a near tier, and with `redis` on a far tier and on both.
async fn on_every_tier(test: impl AsyncFn(Cache)) {
    let near = |builder: CacheBuilder| builder.near(Moka::new(1_000).expect("a capacity"));
    let build = |builder: CacheBuilder| builder.build().expect("settings in order");
    test(build(near(Cache::builder()))).await;
    #[cfg(feature = "redis")]
    {
        let server = test_support::RedisServer::start(&[]);
        test(build(patient(&server).namespace("far"))).await;
        test(build(near(patient(&server).namespace("both")))).await;
    }
}

/// A cache in this server, which may be slow to answer.
#[cfg(feature = "redis")]
fn patient(server: &test_support::RedisServer) -> CacheBuilder {
    let long = Duration::from_secs(5);
    let redis = larder::Redis::builder(server.url()).deadline(long).build();
    Cache::builder()
        .far(redis.expect("a url"))
        .outage_budget(long)
}

#[tokio::test]
async fn what_is_set_is_got_until_it_is_removed() {
    on_every_tier(async |cache| {
        assert_eq!(cache.get::<User>("users:1").await.unwrap(), None);
        assert!(!cache.exists("users:1").await.unwrap());
        cache.set("users:1", &user(1)).await.unwrap();
        assert_eq!(cache.get("users:1").await.unwrap(), Some(user(1)));
        assert!(cache.exists("users:1").await.unwrap());
        cache.set("users:1", &user(2)).await.unwrap();
        assert_eq!(cache.get("users:1").await.unwrap(), Some(user(2)));
        cache.remove("users:1").await.unwrap();
        assert_eq!(cache.get::<User>("users:1").await.unwrap(), None);
        cache.remove("users:1").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_value_of_another_type_is_no_value() {
    on_every_tier(async |cache| {
        cache.set("key", &1_u32).await.unwrap();
        assert_eq!(cache.get::<User>("key").await.unwrap(), None);
        assert_eq!(cache.get::<i32>("key").await.unwrap(), None);
        assert_eq!(cache.get("key").await.unwrap(), Some(1_u32));
        let load = || async { Ok::<_, String>(user(1)) };
        assert_eq!(cache.get_or_load("key", load).await, Ok(user(1)));
    })
    .await;
}

#[tokio::test]
async fn a_ttl_is_told_kept_and_renewed() {
    on_every_tier(async |cache| {
        let minute = Duration::from_secs(60);
        assert_eq!(cache.ttl("key").await.unwrap(), None);
        assert!(!cache.touch("key", minute).await.unwrap());
        let options = SetOptions::new().ttl(minute);
        cache.set_with("key", &1_u32, options).await.unwrap();
        let left = cache.ttl("key").await.unwrap().expect("it lives");
        assert!(left <= minute && left > minute / 2, "{left:?}");
        assert!(cache.touch("key", 2 * minute).await.unwrap());
        let left = cache.ttl("key").await.unwrap().expect("it lives");
        assert!(left <= 2 * minute && left > minute, "{left:?}");
        assert_eq!(cache.get("key").await.unwrap(), Some(1_u32));
    })
    .await;
}

#[tokio::test]
async fn a_value_dies_with_its_ttl_under_a_second() {
    on_every_tier(async |cache| {
        let options = SetOptions::new().ttl(Duration::from_millis(80));
        cache.set_with("key", &1_u32, options).await.unwrap();
        let died = async {
            while cache.exists("key").await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        let died = tokio::time::timeout(Duration::from_secs(5), died).await;
        died.expect("it outlives its ttl");
        assert_eq!(cache.get::<u32>("key").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn many_values_are_set_and_got_in_order() {
    on_every_tier(async |cache| {
        let values: Vec<(String, User)> = (0..50)
            .map(|id| (format!("users:{id}"), user(id)))
            .collect();
        let pairs: Vec<(&str, User)> = values
            .iter()
            .map(|(key, user)| (key.as_str(), user.clone()))
            .collect();
        cache.set_many(&pairs).await.unwrap();
        cache.remove("users:7").await.unwrap();
        let got = cache
            .get_many::<User>(&["users:3", "users:7", "users:49", "users:50", "users:3"])
            .await
            .unwrap();
        assert_eq!(
            got,
            [Some(user(3)), None, Some(user(49)), None, Some(user(3))]
        );
        assert_eq!(cache.get_many::<User>(&[]).await.unwrap(), []);
        cache.set_many::<User>(&[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tags_set_by_hand_reach_who_does_not_know_them() {
    on_every_tier(async |cache| {
        let options = SetOptions::new().tag("team:1").tag("team:2");
        for tag in ["team:1", "team:2"] {
            cache
                .set_with("users:1", &user(1), options.clone())
                .await
                .unwrap();
            cache.set("users:2", &user(2)).await.unwrap();
            assert_eq!(cache.get("users:1").await.unwrap(), Some(user(1)));
            cache.remove_tag(tag).await.unwrap();
            assert_eq!(cache.get::<User>("users:1").await.unwrap(), None, "{tag}");
            assert_eq!(cache.get("users:2").await.unwrap(), Some(user(2)));
        }
    })
    .await;
}

#[tokio::test]
async fn clear_ends_at_the_namespace() {
    on_every_tier(async |cache| {
        cache.set("users:1", &user(1)).await.unwrap();
        cache.set("posts", &1_u32).await.unwrap();
        cache.clear().await.unwrap();
        assert_eq!(cache.get::<User>("users:1").await.unwrap(), None);
        assert_eq!(cache.get::<u32>("posts").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn keys_of_any_shape_are_kept_apart() {
    on_every_tier(async |cache| {
        let long = "x".repeat(3_000);
        let keys = [
            "a b",
            "a\u{a0}b",
            "a*b",
            "{a}",
            "a%20b",
            "ä:ö",
            "~",
            "a~b",
            &long,
            &format!("{long}y"),
        ];
        for (at, key) in keys.iter().enumerate() {
            cache.set(key, &at).await.unwrap();
        }
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(cache.get(key).await.unwrap(), Some(at), "{key}");
        }
        cache.remove("a*b").await.unwrap();
        assert_eq!(cache.get("a b").await.unwrap(), Some(0_usize));
    })
    .await;
}

#[tokio::test]
async fn bad_input_has_one_clear_error() {
    on_every_tier(async |cache| {
        let config = |error: larder::Error, says: &str| {
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = error.to_string();
            assert!(text.contains(says), "{text}");
        };
        config(cache.get::<u32>("").await.unwrap_err(), "is empty");
        config(
            cache.set("a\nb", &1_u32).await.unwrap_err(),
            "control character",
        );
        config(
            cache.remove_prefix("users:*:posts").await.unwrap_err(),
            "wildcard",
        );
        config(cache.remove_tag("").await.unwrap_err(), "is empty");
        config(
            cache.touch("a", Duration::ZERO).await.unwrap_err(),
            "ttl of zero",
        );
        let options = SetOptions::new().ttl(Duration::ZERO);
        config(
            cache.set_with("a", &1_u32, options).await.unwrap_err(),
            "ttl of zero",
        );
        // A bad key does not fail a load.
        let load = || async { Ok::<_, String>(1_u32) };
        assert_eq!(cache.get_or_load("", load).await, Ok(1));
    })
    .await;
    let zero = Cache::builder().ttl(Duration::ZERO).build().unwrap_err();
    assert!(zero.to_string().contains("ttl of zero"), "{zero}");
    let namespace = Cache::builder().namespace("a b").build().unwrap_err();
    assert!(namespace.to_string().contains("namespace"), "{namespace}");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_value_too_large_is_refused_by_name_and_leaves_no_old_one() {
    let server = test_support::RedisServer::start(&[]);
    let cache = patient(&server).build().unwrap();
    cache.set("key", &"small".to_owned()).await.unwrap();
    let error = cache.set("key", &"x".repeat(2 << 20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("String"), "{error}");
    let gone = async {
        while !matches!(cache.get::<String>("key").await, Ok(None)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("the old one stays");
    // The same value from a load is returned all the same.
    let load = || async { Ok::<_, ()>("x".repeat(2 << 20)) };
    let loaded = cache.get_or_load("other", load).await;
    assert_eq!(loaded.map(|text| text.len()), Ok(2 << 20));
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_sweep_removes_what_matches_and_nothing_else() {
    let server = test_support::RedisServer::start(&[]);
    let cache = patient(&server).near(Moka::default()).build().unwrap();
    for key in [
        "users:1:posts",
        "users:2:posts",
        "users:1:likes",
        "users:[1]:posts",
    ] {
        cache.set(key, &1_u32).await.unwrap();
    }
    assert_eq!(cache.sweep("users:?:posts").await.unwrap(), 2);
    assert!(!cache.exists("users:1:posts").await.unwrap());
    assert!(cache.exists("users:1:likes").await.unwrap());
    assert!(cache.exists("users:[1]:posts").await.unwrap());
    assert_eq!(cache.sweep("users:[1]:*").await.unwrap(), 1);
}

#[cfg(feature = "testkit")]
#[tokio::test]
async fn a_near_value_that_nothing_feeds_is_not_kept_by_renewing_it() {
    let clock = larder::Clock::manual();
    let far = larder::testkit::MemoryFar::new(clock.clone());
    let cache = Cache::builder()
        .near(Moka::default())
        .far(far.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let second = Duration::from_secs(1);
    // The first use connects the feed, which empties the near tier.
    assert_eq!(cache.get::<u32>("key").await.unwrap(), None);
    assert!(cache.stats().feed_alive);
    cache.set("key", &1_u32).await.unwrap();
    for _ in 0..3 {
        assert_eq!(cache.stats().near_entries, 1);
        clock.advance(2 * second);
        assert!(cache.touch("key", 60 * second).await.unwrap());
    }
    assert!(!cache.stats().feed_alive, "its last heartbeat is 6 s old");
    far.set_reachable(false);
    let error = cache.get::<u32>("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "6 s without a feed");
}

/// The right to store goes back at once, not when it expires: here no time passes.
#[cfg(feature = "testkit")]
#[tokio::test]
async fn a_load_that_failed_keeps_no_other_process_from_storing() {
    let clock = larder::Clock::manual();
    let far = larder::testkit::MemoryFar::new(clock.clone());
    let process = || Cache::builder().far(far.clone()).clock(clock.clone());
    let (one, other) = (process().build().unwrap(), process().build().unwrap());
    let failed = one.get_or_load("key", || async { Err::<u32, _>("no".to_owned()) });
    assert_eq!(failed.await, Err("no".to_owned()));
    let loaded = other.get_or_load("key", || async { Ok::<u32, String>(1) });
    assert_eq!(loaded.await, Ok(1));
    assert_eq!(one.get("key").await.unwrap(), Some(1_u32));
}
