//! How an entry is sealed: by which key, and to what.
//!
//! XChaCha20-Poly1305 over the body. A sealed body is
//!
//! ```text
//! id of the key (4)   nonce (24)   the body, encrypted   tag (16)
//! ```
//!
//! The tag covers the namespace, the full key and every byte of the entry before the body as
//! well: header, fingerprint, times, stamps, tags. So nothing of it can be changed, and it cannot
//! be moved to another key or namespace.

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{AeadInOut, Generate},
};

use super::Owner;
use crate::{
    envelope::{Bad, Envelope},
    error::{Error, ErrorKind, Result},
};

const NONCE: usize = 24;
const TAG: usize = 16;

/// The keys by which a cache seals what it puts into its far tier, so that whoever can read or
/// write there neither sees a value nor gives it another.
///
/// One key writes; entries of the others are read until they have expired. So a key is changed in
/// two steps: first every process is told of the new key with [`also`](Self::also), then each
/// writes with it.
///
/// A cache that seals takes nothing that is not sealed, and one that does not seal nothing that
/// is. See the guide for what a seal does not hide.
///
/// ```
/// # use cache_core::{Cache, Seal};
/// # let (new, old) = ([1; 32], [2; 32]);
/// let builder = Cache::builder().seal(Seal::new(2, new).also(1, old));
/// # builder.build()?;
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a seal does nothing until it is given to a cache"]
pub struct Seal {
    /// The first one writes. Each forgets its key when it is dropped.
    keys: Vec<(u32, XChaCha20Poly1305)>,
}

impl Seal {
    /// Seals with this key: 32 random bytes, which the processes that share the cache have in
    /// common. The `id` stands in each entry and tells readers which of their keys it needs.
    pub fn new(id: u32, key: [u8; 32]) -> Self {
        Self { keys: Vec::new() }.also(id, key)
    }

    /// Reads what was sealed with this key, too: of the past, or of the future. No two keys may
    /// have one id.
    pub fn also(mut self, id: u32, key: [u8; 32]) -> Self {
        self.keys.push((id, XChaCha20Poly1305::new(&key.into())));
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let known = |at: usize, id: u32| self.keys[..at].iter().any(|(known, _)| *known == id);
        let mut ids = self.keys.iter().map(|(id, _)| *id).enumerate();
        match ids.find(|(at, id)| known(*at, *id)) {
            None => Ok(()),
            Some((_, id)) => Err(Error::new(
                ErrorKind::Config,
                format!("two keys of the seal have the id {id}: give each key an id of its own"),
            )),
        }
    }

    /// Seals what stands from `start` on, and what stands before that along.
    pub(crate) fn close(&self, owner: Owner<'_>, out: &mut Vec<u8>, start: usize) -> Result<()> {
        let (id, key) = &self.keys[0];
        // Not from the cache's dice: these may be seeded, and a nonce that comes twice would give
        // the value away.
        let nonce = XNonce::try_generate()
            .map_err(|_| unsealable("the machine has no randomness to give"))?;
        let label = label(owner, &out[..start]);
        let tag = key
            .encrypt_inout_detached(&nonce, &label, out[start..].as_mut().into())
            .map_err(|_| unsealable("it is too long"))?;
        out.splice(start..start, id.to_le_bytes().into_iter().chain(nonce));
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// The body of an entry, if it was sealed for this owner by one of the keys.
    pub(super) fn open(&self, owner: Owner<'_>, entry: &Envelope<'_>) -> Result<Vec<u8>, Bad> {
        let (id, rest) = entry.payload.split_first_chunk().ok_or(Bad::Length)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Bad::Length)?;
        let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Bad::Length)?;
        let id = u32::from_le_bytes(*id);
        let key = self.keys.iter().find(|(known, _)| *known == id);
        let (_, key) = key.ok_or(Bad::Sealed)?;
        let label = label(owner, entry.head);
        let mut body = body.to_vec();
        key.decrypt_inout_detached(nonce.into(), &label, body.as_mut_slice().into(), tag.into())
            .map_err(|_| Bad::Seal)?;
        Ok(body)
    }
}

/// What is sealed along. Each part but the last says how long it is, so that no two labels of
/// different parts are the same bytes.
fn label(owner: Owner<'_>, head: &[u8]) -> Vec<u8> {
    let texts = [owner.namespace, owner.key];
    let length = texts.iter().map(|text| 8 + text.len()).sum::<usize>() + head.len();
    let mut label = Vec::with_capacity(length);
    for text in texts {
        label.extend_from_slice(&(text.len() as u64).to_le_bytes());
        label.extend_from_slice(text.as_bytes());
    }
    label.extend_from_slice(head);
    label
}

fn unsealable(why: &str) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!("a value could not be sealed, so it is not stored: {why}"),
    )
}

/// The ids, the writing one first; never the keys.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<u32> = self.keys.iter().map(|(id, _)| *id).collect();
        f.debug_struct("Seal").field("ids", &ids).finish()
    }
}
