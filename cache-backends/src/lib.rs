//! The stores of larder, one room and one feature each.

#[cfg(feature = "moka")]
mod front;
#[cfg(feature = "moka")]
mod janitor;
#[cfg(feature = "moka")]
mod moka;

#[cfg(feature = "moka")]
pub use moka::{DEFAULT_ENTRIES, Moka, MokaBuilder};
