//! The annotated functions under test.

use std::convert::Infallible;

use larder::{Cache, cached, invalidate_cache};
use serde::{Deserialize, Serialize};

/// What most of them return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    id: u64,
    name: String,
}

impl Item {
    pub(crate) fn new(id: u64) -> Self {
        let name = format!("item {id}");
        Self { id, name }
    }
}

pub(crate) type Answer = Result<Item, Infallible>;

/// Its body takes no time, so that all of a call's time is what the cache adds to it.
#[cached(ttl = 60, key = "items:<id>", cache = cache, skip(cache))]
pub(crate) async fn item(cache: &Cache, id: u64) -> Answer {
    Ok(Item::new(id))
}

/// Writes one item.
#[invalidate_cache(keys = ["items:<id>"], cache = cache)]
pub(crate) async fn write(cache: &Cache, id: u64) -> Answer {
    Ok(Item::new(id))
}

/// Writes all items.
#[invalidate_cache(prefix = "items", cache = cache)]
pub(crate) async fn rewrite(cache: &Cache, id: u64) -> Answer {
    Ok(Item::new(id))
}

/// The version of a row, from a source that may take its time.
#[cached(ttl = 60, key = "rows:<at>", cache = cache, skip(cache, load))]
pub(crate) async fn version(
    cache: &Cache,
    at: usize,
    load: impl Future<Output = u64> + Send,
) -> Result<u64, Infallible> {
    Ok(load.await)
}
