//! What a test is told of its mistakes.

#![allow(dead_code, clippy::unused_async, reason = "they are found, not called")]

use larder::{Cache, cached, invalidate_cache};

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

#[cached(key = "posts:<id>", ttl = "1m", cache = cache, skip(cache))]
async fn get_post(cache: &Cache, id: u64) -> u64 {
    id
}

#[cached]
async fn count() -> u64 {
    0
}

#[invalidate_cache(prefix = ["user:<id>", "posts"])]
async fn rename(id: u64) -> u64 {
    id
}

#[test]
fn all_problems_are_told_each_with_its_place_and_what_to_write() {
    assert_eq!(
        larder::graph().problems(),
        [
            "tests/graph/tests/wrong.rs:22: `prefix = \"user:<id>\"` of `wrong::rename` \
             invalidates what no cached function keeps: did you mean `users:<id>`?",
            "tests/graph/tests/wrong.rs:22: `prefix = \"posts\"` of `wrong::rename` invalidates \
             what no cached function keeps: `wrong::get_post` (tests/graph/tests/wrong.rs:12) keeps \
             it in `cache = cache`, and this looks in the default cache: give both the same \
             `cache`",
            "tests/graph/tests/wrong.rs:17: nothing invalidates `wrong::count`, and it states no \
             `ttl`: name its prefix `wrong.count` where the values change, or say how long they \
             may be old, such as `ttl = \"5m\"`",
            "tests/graph/tests/wrong.rs:7: nothing invalidates `wrong::get_user`, and it states \
             no `ttl`: name its key `users:<id>` where the values change, or say how long they \
             may be old, such as `ttl = \"5m\"`",
        ]
    );
}

#[test]
#[should_panic(expected = "the cache's graph has 4 problems:")]
fn a_check_fails() {
    larder::graph().check();
}
