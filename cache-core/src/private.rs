//! What expansions of the attributes name. Not for people: it changes without notice.

mod failed;
mod millis;
mod path;
mod response;

pub use self::{
    failed::{NeverFails, Returned},
    millis::millis,
    path::{Dotted, dotted_len, owner},
    response::{clock_of, now, refreshing, stored, ttl_of},
};
pub use crate::{
    __default_path as default_path, __failed as failed, __shape as shape, __table as table,
};
pub use crate::{
    ask::captures,
    cache::Cache,
    codec::{self, Probe, Table, ViaFar, ViaNear, ViaRaw, named, probe},
    error::Result,
    global::default_or,
    graph::Node,
    handle::{
        EntryOf, Returns, entry, invalidate_now, key_of, peek_now, put_now, put_of, refresh_now,
        uncached_now,
    },
    key::{KeyWriter, hashed, lower, part},
    outcome::{
        Failure, Keep, Loaded, Of, Outcome, Plain, Step1, Step2, Step3, Step4, Step5, Step6,
        keeps_absences, keeps_errors, ttl_from, unless,
    },
    purge::{Purge, PurgeGuard},
    site::{Missed, Site, Tags, near},
};

pub use inventory::submit;

/// Runs a body. The parameter's type lets the body give away what it was called with.
pub fn run<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// The cache that an attribute calls by name; the default one, loudly, if none is registered
/// under that name, because a cache is never the reason that a call fails.
pub fn named_or(name: &str, default: fn() -> &'static crate::Cache) -> &'static crate::Cache {
    crate::Cache::named(name).unwrap_or_else(|| {
        crate::event::no_such_cache(name);
        default()
    })
}
