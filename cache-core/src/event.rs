//! Every event that larder logs, with its name, its level and its fields: the one place.
//!
//! Keys appear as a hash, except at debug level. Values, urls and secrets never do.

use std::fmt;

use tracing::{debug, error, info, trace, warn};

use crate::{breaker::Turned, error::Error};

/// Where all events go: `RUST_LOG=larder=debug` shows them.
macro_rules! event {
    ($level:ident, $($rest:tt)+) => {
        $level!(target: "larder", $($rest)+)
    };
}

fn hidden(key: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(key.as_bytes()))
}

pub(crate) fn hit_far(function: &str, key: &str) {
    event!(trace, function, key, "hit far");
}

pub(crate) fn miss(function: &str, key: &str) {
    event!(trace, function, key, "miss");
}

pub(crate) fn coalesced(function: &str, key: &str) {
    event!(trace, function, key, "coalesced");
}

pub(crate) fn loaded(function: &str, key: &str, nanos: u64, failed: bool) {
    event!(debug, function, key, nanos, failed, "loaded");
}

pub(crate) fn refused(function: &str, key: &str) {
    event!(
        debug,
        function,
        key,
        "not stored: invalidated while it was loaded"
    );
}

pub(crate) fn overtaken(function: &str, key: &str) {
    event!(
        debug,
        function,
        key,
        "not stored but invalidated: somebody else changed the key while it was written"
    );
}

pub(crate) fn waited_too_long(function: &str, key: &str) {
    event!(
        warn,
        function,
        key_hash = hidden(key),
        "waited too long for another's load"
    );
}

pub(crate) fn reentrant(function: &str, key: &str) {
    event!(
        warn,
        function,
        key_hash = hidden(key),
        "a load asked for its own key"
    );
}

pub(crate) fn other_type(function: &str, key: &str, wanted: &str) {
    event!(
        warn,
        function,
        key_hash = hidden(key),
        wanted,
        "two functions keep values of different types under one key: give one another key"
    );
}

pub(crate) fn undecodable(key: &str, error: &Error) {
    event!(warn, key_hash = hidden(key), %error, "a far entry could not be decoded");
}

pub(crate) fn damaged(key: &str, reason: &dyn fmt::Debug) {
    event!(
        warn,
        key_hash = hidden(key),
        ?reason,
        "a far entry is damaged"
    );
}

pub(crate) fn forged(key: &str) {
    event!(
        error,
        key_hash = hidden(key),
        "the seal of a far entry does not fit: somebody changed or moved it, or has another key \
         of the same id"
    );
}

pub(crate) fn far_failed(function: &str, error: &Error) {
    event!(debug, function, %error, "the far tier failed");
}

pub(crate) fn not_stored_far(function: &str, error: &Error) {
    event!(warn, function, %error, "a value was not stored in the far tier");
}

pub(crate) fn near_only(function: &str, type_name: &str) {
    event!(
        warn,
        function,
        type_name,
        "this type has no serde, so the far tier cannot hold it: derive `Serialize` and \
         `Deserialize`, or say `local`"
    );
}

pub(crate) fn invalidated(namespace: &str, what: &dyn fmt::Debug) {
    event!(debug, namespace, ?what, "invalidated");
}

pub(crate) fn not_invalidated(namespace: &str, error: &Error) {
    event!(
        warn,
        namespace,
        %error,
        "an invalidation did not reach the far tier: it is tried again"
    );
}

pub(crate) fn told_later(namespace: &str) {
    event!(
        debug,
        namespace,
        "a plain `fn` returned before the far tier knew of its invalidation: it is told as soon as \
         a runtime is free to"
    );
}

pub(crate) fn not_named(call: &str) {
    event!(
        error,
        call,
        "not invalidated: an attribute below `#[cached]` waits for something before the key is \
         known, so put `#[cached]` below it, or name the key in `of`'s place"
    );
}

pub(crate) fn not_cached(namespace: &str, error: &Error) {
    event!(warn, namespace, %error, "loaded without the cache");
}

pub(crate) fn asked_nobody(error: &Error) {
    event!(warn, %error, "nothing was refreshed or spared the cache");
}

pub(crate) fn retried(namespace: &str, names: usize) {
    event!(
        info,
        namespace,
        names,
        "late invalidations reached the far tier"
    );
}

pub(crate) fn breaker(namespace: &str, turned: Turned) {
    match turned {
        Turned::Open => event!(
            warn,
            namespace,
            "the far tier is left alone: it failed too often"
        ),
        Turned::Closed => event!(info, namespace, "the far tier is back"),
        Turned::No => {}
    }
}

pub(crate) fn feed(namespace: &str, state: &str) {
    event!(info, namespace, state, "feed");
}

pub(crate) fn no_such_cache(name: &str) {
    event!(
        warn,
        name,
        "no cache is registered under this name: the default one is used"
    );
}
