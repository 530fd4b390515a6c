//! What `#[invalidate_cache]` names by what the function returned.

use larder::{Cache, invalidate_cache};

use super::{Answer, User, user};
use crate::world::{Source, near_cache};

/// A cache with a value under each of these keys, which have the tag `tag:` and their text.
async fn filled(keys: &[&str]) -> Cache {
    let cache = near_cache();
    for key in keys {
        let options = larder::SetOptions::new().tag(format!("tag:{key}"));
        cache.set_with(key, &1, options).await.unwrap();
    }
    cache
}

/// Those of the keys that still have a value.
async fn left<'k>(cache: &Cache, keys: &[&'k str]) -> Vec<&'k str> {
    let mut left = Vec::new();
    for key in keys {
        if cache.exists(key).await.unwrap() {
            left.push(*key);
        }
    }
    left
}

#[invalidate_cache(
    prefix = "lists:<ret.name:lower>",
    keys = ["users:<ret.id>", "langs:<lang>:<ret.id>"],
    tags = ["tag:<ret.name>"],
    cache = cache
)]
async fn create(cache: &Cache, lang: String, ok: bool) -> Answer<User> {
    let created = ok.then(|| user(7, "Ada")).ok_or("no");
    drop(lang);
    created
}

const KEYS: [&str; 7] = [
    "users:7",
    "users:8",
    "langs:en:7",
    "langs:de:7",
    "lists:ada:1",
    "lists:bea:1",
    "Ada",
];

#[tokio::test]
async fn the_returned_value_says_what_is_invalid() {
    let cache = filled(&KEYS).await;
    create(&cache, "en".to_owned(), false).await.unwrap_err();
    assert_eq!(left(&cache, &KEYS).await, KEYS, "it failed");
    create(&cache, "en".to_owned(), true).await.unwrap();
    let others = ["users:8", "langs:de:7", "lists:bea:1"];
    assert_eq!(left(&cache, &KEYS).await, others);
}

type Found = Option<(u64, u64)>;

#[invalidate_cache(keys = ["a:<ret.0>", "b:<ret>", "c:<id>"], when = always, cache = cache)]
async fn of_a_tuple(cache: &Cache, id: u64, found: Answer<Found>) -> Answer<Found> {
    found
}

#[tokio::test]
async fn without_a_value_only_what_needs_none_is_invalid() {
    let keys = ["a:1", "b:(1,2,)", "c:1"];
    for (found, others) in [
        (Err("no"), &keys[..2]),
        (Ok(None), &keys[..2]),
        (Ok(Some((1, 2))), &[]),
    ] {
        let cache = filled(&keys).await;
        of_a_tuple(&cache, 1, found).await.ok();
        assert_eq!(left(&cache, &keys).await, others, "{found:?}");
    }
}

#[invalidate_cache(keys = ["users:<ret>", "users:<id>"], cache = cache)]
async fn replace(cache: Cache, id: u64, gate: Source) -> u64 {
    gate.load().await + id
}

#[tokio::test]
async fn a_write_that_is_cancelled_invalidates_what_was_known_before() {
    let keys = ["users:1", "users:2"];
    let cache = filled(&keys).await;
    let gate = Source::closed();
    let write = tokio::spawn(replace(cache.clone(), 1, gate.clone()));
    gate.begun().await;
    write.abort();
    write.await.unwrap_err();
    assert_eq!(left(&cache, &keys).await, ["users:2"]);
}
