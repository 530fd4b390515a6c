//! Batches: one far look and one load for all that is missing, and yet a flight for each key.

use std::collections::HashMap;

use larder::{Cache, cached};

use crate::world::near_cache;

#[cached(batch = ids, key = "users:<ids>", cache = cache, skip(cache))]
async fn users(cache: &Cache, ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, format!("user {id}"))).collect()
}

#[tokio::test]
async fn what_is_missing_is_loaded_at_once() {
    let cache = near_cache();
    let got = users(&cache, &[1, 2]).await;
    assert_eq!(got.len(), 2);
}
