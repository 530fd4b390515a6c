//! The guide: pages for people, whose every example is compiled and run.

#[doc = include_str!("../docs/attributes.md")]
#[cfg(feature = "moka")]
pub mod attributes {}

#[doc = include_str!("../docs/functions.md")]
#[cfg(feature = "moka")]
pub mod functions {}

#[doc = include_str!("../docs/migrating-from-cached.md")]
#[cfg(feature = "moka")]
pub mod migrating_from_cached {}

#[doc = include_str!("../docs/graph.md")]
#[cfg(feature = "moka")]
pub mod graph {}

// Its examples are run in `tests/axum`, so that tests of the facade need not bring axum.
#[cfg(all(feature = "axum", not(doctest)))]
#[doc = include_str!("../docs/axum.md")]
pub mod axum {}

#[doc = include_str!("../docs/companions.md")]
#[cfg(feature = "moka")]
pub mod companions {}

#[doc = include_str!("../docs/faults.md")]
pub mod faults {}

// Its examples are run in `tests/axum`, because some of them are handlers.
#[cfg(all(feature = "testkit", not(doctest)))]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/settings.md")]
#[cfg(feature = "moka")]
pub mod settings {}

#[doc = include_str!("../docs/stores.md")]
#[cfg(feature = "moka")]
pub mod stores {}
