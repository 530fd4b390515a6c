//! What expansions of the attributes name. Not for people: it changes without notice.

pub use crate::{__shape as shape, __table as table};
pub use crate::{
    codec::{Probe, Table, ViaFar, ViaNear, named, probe},
    global::default_or,
    key::{KeyWriter, hashed, lower, part},
    outcome::{Of, Outcome, Step1, Step2, Step3, Step4, Step5, Step6},
    purge::{Purge, PurgeGuard},
    site::{Missed, Site, Tags, near},
};

/// The cache that an attribute calls by name; the default one, loudly, if none is registered
/// under that name, because a cache is never the reason that a call fails.
pub fn named_or(name: &str, default: fn() -> &'static crate::Cache) -> &'static crate::Cache {
    crate::Cache::named(name).unwrap_or_else(|| {
        crate::event::no_such_cache(name);
        default()
    })
}

/// Whether a function's result is an error.
pub fn failed<S: Outcome>(shape: S, output: &S::Return) -> bool {
    shape.failed(output)
}
