//! The stores of larder, one room and one feature each.

#[cfg(feature = "redis")]
mod link;
#[cfg(feature = "moka")]
mod moka;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "moka")]
pub use self::moka::{DEFAULT_ENTRIES, Moka, MokaBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisBuilder};
