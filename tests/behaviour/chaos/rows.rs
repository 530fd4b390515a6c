//! The annotated functions under test, and the plans under which they are called.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use larder::{Cache, cached, invalidate_cache, testkit::Plan};
use serde::{Deserialize, Serialize};

/// What they return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    id: u64,
    name: String,
    notes: Vec<Option<String>>,
}

impl Row {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("row {id}"),
            notes: (0..id % 4)
                .map(|n| (n > 0).then(|| format!("note {n}")))
                .collect(),
        }
    }
}

pub(crate) type Answer = Result<Row, Infallible>;

#[cached(ttl = 60, key = "chaos:<id>", tags = ["team:<id>"], cache = cache, skip(cache))]
pub(crate) async fn row(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

#[cached(ttl = 60, none_ttl = 60, batch = ids, key = "chaos:<ids>", cache = cache, skip(cache))]
pub(crate) async fn rows(cache: &Cache, ids: &[u64]) -> Result<HashMap<u64, Row>, Infallible> {
    Ok(ids.iter().map(|id| (*id, Row::new(*id))).collect())
}

/// Writes one row.
#[invalidate_cache(keys = ["chaos:<id>"], cache = cache)]
pub(crate) async fn write(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

/// Writes all rows.
#[invalidate_cache(prefix = "chaos", cache = cache)]
pub(crate) async fn rewrite(cache: &Cache, id: u64) -> Answer {
    Ok(Row::new(id))
}

const SOON: Duration = Duration::from_millis(40);

/// Every way in which a store may fail, each by itself and then all together.
pub(crate) fn plans() -> Vec<(&'static str, Plan)> {
    vec![
        ("failures", Plan::new().fail(0.2)),
        ("answers lost", Plan::new().lose_answers(0.2)),
        ("late writes", Plan::new().write_late(0.2, SOON)),
        ("hangs", Plan::new().hang(0.02)),
        ("delays", Plan::new().delay(0.5, SOON)),
        ("garbage", Plan::new().garble(0.3)),
        ("evictions", Plan::new().evict(0.3)),
        ("all at once", all_at_once()),
    ]
}

pub(crate) fn all_at_once() -> Plan {
    Plan::new()
        .fail(0.05)
        .lose_answers(0.05)
        .write_late(0.05, SOON)
        .hang(0.01)
        .delay(0.1, SOON)
        .garble(0.1)
        .evict(0.1)
        .repeat_notices(0.1)
        .stall(0.01, Duration::from_micros(100))
}
