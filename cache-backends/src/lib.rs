//! The stores of larder, one room and one feature each.

#[cfg(any(feature = "memcached", feature = "redis"))]
mod link;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "moka")]
mod moka;
#[cfg(feature = "redis")]
mod redis;
mod settings;

#[cfg(feature = "memcached")]
pub use self::memcached::{Distribution, Memcached, MemcachedBuilder};
#[cfg(feature = "moka")]
pub use self::moka::{DEFAULT_ENTRIES, Moka, MokaBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisBuilder};
