//! What those need of a cache who keep times of their own beside a value, as responses do.

use std::time::Duration;

use crate::{
    ask::Ask,
    cache::Cache,
    clock::Clock,
    codec::Table,
    entry::Live,
    key::KeyWriter,
    site::{Missed, Site},
};

/// The clock of a cache.
pub fn clock_of(cache: &Cache) -> Clock {
    cache.0.clock.clone()
}

/// Milliseconds since 1970.
pub fn now(clock: &Clock) -> u64 {
    clock.wall_millis()
}

/// How long a function's values live in a cache, unless they say otherwise themselves.
pub fn ttl_of(site: &'static Site, cache: &Cache) -> Duration {
    site.policy.ttl.unwrap_or(cache.0.ttl)
}

/// How far that varies from value to value, as a part of it.
pub fn jitter_of(site: &'static Site, cache: &Cache) -> f64 {
    site.policy.jitter(cache.0.jitter)
}

/// A call that does not look for a value, but loads and stores it.
pub fn refreshing(site: &'static Site, cache: &Cache, key: &KeyWriter) -> Missed {
    Missed::new(site, cache, key.key(), Some(Ask::Refresh))
}

/// The value of a call in whichever tier, without a load.
pub async fn stored(missed: Missed, table: &'static Table) -> Option<Live> {
    missed.stored(table).await
}
