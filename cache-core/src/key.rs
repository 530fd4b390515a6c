//! How a key is spelt, and which groups it belongs to.

use std::{hash::BuildHasher, sync::OnceLock};

/// The hash of a key or group in this process: randomly seeded, so that nobody outside can
/// choose collisions.
pub(crate) fn hash(text: &str) -> u64 {
    static SEED: OnceLock<foldhash::fast::RandomState> = OnceLock::new();
    SEED.get_or_init(foldhash::fast::RandomState::default)
        .hash_one(text)
}
