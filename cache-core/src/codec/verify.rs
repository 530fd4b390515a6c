//! The rule that a value is never written that does not read back.

use serde::Serialize;

use super::{digest::digest, failed};
use crate::error::Result;

/// Reads what was just written and compares.
///
/// # Errors
///
/// If it cannot be read, or reads as another value.
pub(super) fn reads_back<T: Serialize>(
    value: &T,
    bytes: &[u8],
    format: &str,
    read: fn(&[u8]) -> Result<T>,
) -> Result<()> {
    let found = read(bytes)?;
    let same = match (digest(value), digest(&found)) {
        (Ok(written), Ok(found)) => written == found,
        (Err(stop), _) | (_, Err(stop)) => return Err(failed::<T>("writing", format, stop)),
    };
    if same {
        Ok(())
    } else {
        Err(failed::<T>(
            "writing",
            format,
            "it would read back as another value",
        ))
    }
}
