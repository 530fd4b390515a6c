//! The stores of larder, one room and one feature each.

#[cfg(any(feature = "memcached", feature = "redis"))]
#[cfg_attr(
    not(feature = "redis"),
    allow(dead_code, reason = "memcached alone needs less of it")
)]
mod link;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod loopback;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "moka")]
mod moka;
#[cfg(feature = "redis")]
mod redis;
mod settings;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod together;

/// What must hold of arbitrary bytes: see `cache_core::testkit::fuzz`.
#[cfg(feature = "testkit")]
#[doc(hidden)]
pub mod fuzz {
    #[cfg(feature = "memcached")]
    pub use crate::memcached::replies;
    #[cfg(feature = "redis")]
    pub use crate::redis::redirects;
}

#[cfg(feature = "memcached")]
pub use self::memcached::{Distribution, Memcached, MemcachedBuilder};
#[cfg(feature = "moka")]
pub use self::moka::{DEFAULT_ENTRIES, Moka, MokaBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisBuilder};
