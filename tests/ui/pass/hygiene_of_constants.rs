//! Constants of the user's are seen where options name them, whatever they are called.
#![deny(warnings)]
#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]

use std::time::Duration;

use larder::{cache_put, cached};

const SITE: Duration = Duration::from_secs(3);
const HANDLER: Duration = Duration::from_secs(4);

#[cached(ttl = SITE, none_ttl = HANDLER, key = "rows:<id>")]
async fn row(id: u64) -> Option<u64> {
    Some(id)
}

#[cached(batch = ids, ttl = SITE, key = "rows:<ids>")]
async fn rows(ids: &[u64]) -> Vec<(u64, u64)> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cached(ttl = HANDLER)]
async fn page(id: u64) -> axum::Json<u64> {
    axum::Json(id)
}

#[cache_put(key = "rows:<id>", ttl = SITE)]
async fn write(id: u64) -> u64 {
    id
}

fn main() {
    drop((row(1), rows(&[1]), page(1), write(1)));
}
