//! The annotated functions under test: their bodies take no time, so that all of a call's time is
//! what the cache adds to it.

use std::{convert::Infallible, time::Duration};

use larder::{Cache, Moka, Redis, cached, invalidate_cache};
use serde::{Deserialize, Serialize};

/// What they return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    id: u64,
    name: String,
}

impl Row {
    pub(crate) fn new(id: u64) -> Self {
        let name = format!("row {id}");
        Self { id, name }
    }
}

pub(crate) type Answer = Result<Row, Infallible>;

#[cached(ttl = 60, key = "rows:<id>", cache = cache, skip(cache))]
pub(crate) async fn row(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

/// Writes one row.
#[invalidate_cache(keys = ["rows:<id>"], cache = cache)]
pub(crate) async fn write(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

/// Writes all rows.
#[invalidate_cache(prefix = "rows", cache = cache)]
pub(crate) async fn rewrite(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

/// The first calls of a cache: all return their own results.
pub(crate) async fn first_use(cache: &Cache) {
    assert_eq!(row(cache, 1).await, Ok(Row::new(1)));
    assert_eq!(write(cache, 1).await, Ok(Row::new(1)));
    assert_eq!(rewrite(cache, 2).await, Ok(Row::new(2)));
    assert_eq!(row(cache, 3).await, Ok(Row::new(3)));
}

/// A process without a near tier and one with both tiers, on one store, for which a busy machine
/// is no outage.
pub(crate) fn processes(far_only: &str, both: &str) -> [Cache; 2] {
    let patience = Duration::from_secs(5);
    let far = |url| {
        let redis = Redis::builder(url).deadline(patience).build();
        let builder = Cache::builder().outage_budget(patience);
        builder.far(redis.expect("a url"))
    };
    [far(far_only), far(both).near(Moka::default())]
        .map(|builder| builder.build().expect("the settings are in order"))
}
