//! What expansions of the attributes name. Not for people: it changes without notice.

mod absent;
mod failed;
mod kept;
mod millis;
mod path;
mod refuse;
mod response;
mod settled;

pub use self::{
    absent::ParameterRemovedByCfg,
    failed::{NeverFails, Returned},
    kept::{Kept1, Kept2, Kept3},
    millis::millis,
    path::{Dotted, dotted_len, owner},
    refuse::{Refused, refuse},
    response::{clock_of, jitter_of, now, refreshing, stored, ttl_of},
    settled::{NoFuture, Settled},
};
pub use crate::{
    __default_path as default_path, __failed as failed, __kept as kept, __settled as settled,
    __shape as shape, __table as table,
};
pub use crate::{
    ask::{captures, is_asked, quiet, quietly},
    cache::Cache,
    called::{Called, call_of},
    codec::{self, Probe, Table, ViaFar, ViaNear, ViaRaw, named, probe},
    error::Result,
    global::default_or,
    graph::Node,
    handle::{
        EntryOf, Returns, Soon, entry, invalidate_now, invalidate_of, key_of, peek_now, put_now,
        put_of, refresh_now, uncached_now,
    },
    journal::Writer,
    key::{KeyPart, KeyWriter, hashed, lower},
    outcome::{
        Failure, Keep, Loaded, Of, Outcome, Plain, Step1, Step2, Step3, Step4, Step5, Step6,
        keeps_absences, keeps_errors, ttl_from, unless,
    },
    purge::{Purge, PurgeGuard},
    put::Put,
    settings::BuiltIn,
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

/// What an expanded `#[cached(batch = …)]` calls besides.
pub mod batch {
    pub use crate::{
        __answer as answer, __element as element_shape,
        batch::{
            Again, Answer, Batch, List, Many, Named, StepA, StepB, StepC, Tried, Whole, again,
            answering, ask, bypass, element, finish, lend, list, near, run, tags,
        },
    };
}

/// The text that `write` writes, for a key that is finished later.
pub fn written(write: impl FnOnce(&mut KeyWriter)) -> String {
    let mut key = KeyWriter::new();
    write(&mut key);
    key.as_str().to_owned()
}

/// What a question says about a value. A function, so that the type of the question is known.
pub fn asked<T>(value: &T, question: impl FnOnce(&T) -> bool) -> bool {
    question(value)
}
