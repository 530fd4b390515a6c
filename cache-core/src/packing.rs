//! What is done to a value's bytes between its codec and a far tier: compressed, sealed, or
//! neither; and back.
//!
//! Compressed first, because what is sealed looks random. A compressed body is the number of its
//! format and the format's own bytes; see `seal` for what a sealed one is.

mod compress;
#[cfg(feature = "seal")]
mod seal;
#[cfg(not(feature = "seal"))]
#[path = "packing/no_seal.rs"]
mod seal;
#[cfg(all(test, feature = "lz4", feature = "zstd", feature = "seal"))]
mod tests;

use std::borrow::Cow;

pub use self::compress::Compression;
#[cfg(feature = "seal")]
pub use self::seal::Seal;
#[cfg(not(feature = "seal"))]
pub(crate) use self::seal::Seal;
use crate::{
    envelope::{Bad, Envelope},
    error::Result,
};

/// How a cache packs values, and which packed ones it takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packing {
    pub(crate) compression: Option<Compression>,
    pub(crate) seal: Option<Seal>,
}

/// Whose entry it is: what a seal ties it to, besides all that the envelope says.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "for seals"))]
pub(crate) struct Owner<'a> {
    pub(crate) namespace: &'a str,
    /// The full key, also where the envelope does not have it.
    pub(crate) key: &'a str,
}

impl Packing {
    /// Checks what cannot be checked when it is said.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind) if two keys of a seal have one id.
    pub(crate) fn check(&self) -> Result<()> {
        self.seal.as_ref().map_or(Ok(()), Seal::check)
    }

    /// Compresses what stands from `start` on, where that is worth it. Whether it was.
    pub(crate) fn compress(&self, out: &mut Vec<u8>, start: usize) -> bool {
        self.compression
            .is_some_and(|compression| compression.compress(out, start))
    }

    /// The body of an entry without its seal. What is not sealed as this cache seals is refused.
    pub(crate) fn unseal<'a>(
        &self,
        owner: Owner<'_>,
        entry: &Envelope<'a>,
    ) -> Result<Cow<'a, [u8]>, Bad> {
        match (&self.seal, entry.sealed) {
            (Some(seal), true) => seal.open(owner, entry).map(Cow::Owned),
            (Some(_), false) => Err(Bad::Unsealed),
            (None, true) => Err(Bad::Sealed),
            (None, false) => Ok(Cow::Borrowed(entry.payload)),
        }
    }
}

/// What the codec wrote, of the unsealed body of an entry.
pub(crate) fn expand<'a>(entry: &Envelope<'_>, body: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Bad> {
    if entry.compressed {
        return compress::expand(&body, entry.raw_length).map(Cow::Owned);
    }
    if body.len() == entry.raw_length {
        Ok(body)
    } else {
        Err(Bad::Length)
    }
}
