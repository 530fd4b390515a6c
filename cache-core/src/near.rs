//! What a near tier has to do: hold live values in this process, bounded.

use std::{fmt, sync::Arc};

use crate::entry::Entry;

/// A key as a near store sees it: the text and its hash, made once per call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef<'a> {
    /// The whole key.
    pub text: &'a str,
    /// Its hash, randomly seeded for each process. Equal texts have equal hashes.
    pub hash: u64,
}

impl<'a> KeyRef<'a> {
    /// The key with this text.
    pub fn of(text: &'a str) -> Self {
        Self {
            text,
            hash: crate::key::hash(text),
        }
    }
}

/// A store of live values in this process: moka, or yours.
///
/// A near store keeps what it is given, up to its bound, and gives it back. It never decides
/// whether an entry is valid: the caller does, by the entry's own times and groups.
///
/// # Contract
///
/// - [`read`](Self::read) takes no lock that a writer of another key could hold and allocates
///   nothing.
/// - Once [`remove`](Self::remove) or a second [`insert`](Self::insert) of a key has returned,
///   no `read` that begins later sees the older entry. The caller never runs two writes of one
///   key at the same time.
/// - The bound holds whatever is inserted, and an [expired](Entry::expired) entry leaves memory
///   within a few seconds without being asked for.
///
/// `cache_core::near_conformance!` proves this, rule by rule.
pub trait NearStore: fmt::Debug + Send + Sync + 'static {
    /// Calls `seen` with the entry of this key, if there is one; at most once.
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry));

    /// Puts an entry under its own key, replacing any other.
    fn insert(&self, entry: Arc<Entry>);

    /// Removes the entry of this key. Removing what is not there succeeds.
    fn remove(&self, key: KeyRef<'_>);

    /// Removes all entries.
    fn clear(&self);

    /// How many entries it holds, expired ones that have not left yet included.
    fn len(&self) -> u64;

    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
