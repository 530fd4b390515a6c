#![doc = include_str!("../README.md")]

pub use cache_core::{
    Backend, Bytes, Cache, CacheBuilder, Cacheable, CallStats, Carried, Clock, Compression,
    Deferred, Dice, Entry, EntryOf, Error, ErrorKind, Header, Invalidate, KeyPart, KeyRef,
    KeyWriter, Lease, Listener, Live, Moment, NearStore, Over, Prepare, Prepared, PutEntry, Result,
    Returns, SetOptions, Settings, Stamp, Stats, Storable, Write, codec, deferred, entry, graph,
    policy, register,
};
pub use cache_macros::{KeyPart, cache_put, cached, invalidate_cache};

pub mod guide;

#[cfg(feature = "axum")]
pub use cache_axum as axum;
#[cfg(feature = "moka")]
pub use cache_backends::Moka;
#[cfg(feature = "redis")]
pub use cache_backends::Redis;
#[cfg(feature = "memcached")]
pub use cache_backends::{Distribution, Memcached};
#[cfg(feature = "seal")]
pub use cache_core::Seal;
#[cfg(feature = "testkit")]
pub use cache_core::testkit;

// Named also where no feature is on, so that it is linked, and its stores are known by name.
use cache_backends as _;

/// The cache of every function that names no other: the one that was
/// [installed](Cache::install), or else one near tier of 65,536 entries in this process (without
/// the feature `moka`: no tier at all, so that every call loads).
///
/// # Panics
///
/// Never: the defaults are in order.
pub fn default_cache() -> &'static Cache {
    cache_core::private::default_or(|| {
        let builder = Cache::builder();
        #[cfg(feature = "moka")]
        let builder = builder.near(Moka::default());
        builder.build().expect("the defaults are in order")
    })
}

#[doc(hidden)]
pub mod __private {
    pub use cache_core::private::*;

    pub use super::default_cache;
    #[cfg(feature = "axum")]
    pub use cache_axum::private as axum;

    pub fn named_cache(name: &str) -> &'static super::Cache {
        named_or(name, default_cache)
    }
}
