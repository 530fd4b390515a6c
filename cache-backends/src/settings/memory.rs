//! What the settings of the near tier are.

use cache_core::{CacheBuilder, Result, Settings};

use crate::Moka;

/// Adds the near tier, unless it is to hold nothing.
pub(super) fn add(settings: &Settings, builder: CacheBuilder) -> Result<CacheBuilder> {
    let near = match settings.number("CACHE_MAX_ENTRIES", 0..=u64::MAX)? {
        Some(0) => return Ok(builder),
        Some(entries) => Moka::new(entries)?,
        None => Moka::default(),
    };
    Ok(builder.near(near))
}
