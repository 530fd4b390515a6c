//! A stored value in this process, with what decides whether it is still valid.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use smol_str::SmolStr;

use crate::{clock::Moment, fence::Cell, near::KeyRef, outcome::KeptError};

/// A value as the near tier holds it: the user's own type, never serialised.
pub type Live = Arc<dyn Any + Send + Sync>;

/// One stored value, or the knowledge that there is none.
pub struct Entry {
    /// Short texts lie in the entry itself: comparing one costs a hit no further cache line.
    pub(crate) key: SmolStr,
    pub(crate) hash: u64,
    /// `None` for a remembered `Option::None`.
    pub(crate) value: Option<Live>,
    /// The invalidation sequence when the load began.
    pub(crate) born: u64,
    /// The newest invalidation against which the groups were last looked up.
    pub(crate) checked: AtomicU64,
    pub(crate) groups: Box<[Arc<Cell>]>,
    pub(crate) stored: Moment,
    pub(crate) expires: Moment,
}

impl Entry {
    /// An entry without groups, stored now.
    pub(crate) fn new(key: KeyRef<'_>, value: Option<Live>, now: Moment, ttl: Duration) -> Self {
        Self {
            key: key.text.into(),
            hash: key.hash,
            value,
            born: 0,
            checked: AtomicU64::new(0),
            groups: Box::default(),
            stored: now,
            expires: now.after(ttl),
        }
    }

    /// The same, of a load that began at `born` and belongs to `groups`.
    pub(crate) fn born(mut self, born: u64, groups: Box<[Arc<Cell>]>) -> Self {
        self.born = born;
        self.checked = AtomicU64::new(born);
        self.groups = groups;
        self
    }

    /// An entry on its own, for tests of a [`NearStore`](crate::NearStore): no groups, stored
    /// now, living for `ttl` from now.
    #[cfg(feature = "testkit")]
    pub fn detached(key: &str, value: Live, ttl: Duration) -> Self {
        let now = crate::clock::Clock::system().now();
        Self::new(KeyRef::of(key), Some(value), now, ttl)
    }

    /// The key it is stored under.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef {
            text: &self.key,
            hash: self.hash,
        }
    }

    /// The text of its key, to share with an index.
    pub fn key_text(&self) -> SmolStr {
        self.key.clone()
    }

    /// The value; `None` for a remembered absence.
    pub fn value(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.value.as_deref()
    }

    /// Whether it is an error that a function remembers: to those who ask by hand, nothing.
    pub(crate) fn is_kept_error(&self) -> bool {
        self.value
            .as_ref()
            .is_some_and(|live| KeptError::of(live).is_some())
    }

    /// How long it was to live when it was stored, for stores that expire by themselves.
    pub fn ttl(&self) -> Duration {
        self.expires.since(self.stored)
    }

    /// Whether it must leave memory by now.
    pub fn expired(&self, now: Moment) -> bool {
        now >= self.expires
    }

    /// Whether no group of it was invalidated since its load began. `newest` is the newest
    /// invalidation of any group; the usual answer is that it has been looked at since.
    pub(crate) fn stands(&self, newest: u64) -> bool {
        if self.checked.load(Ordering::Acquire) >= newest {
            return true;
        }
        let stands = self.groups_stand();
        if stands {
            self.checked.fetch_max(newest, Ordering::AcqRel);
        }
        stands
    }
}

impl Entry {
    /// Whether no group of it was invalidated since its load began, looked up.
    pub(crate) fn groups_stand(&self) -> bool {
        self.groups.iter().all(|cell| cell.stands(self.born))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("hash", &self.hash)
            .field("born", &self.born)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
