//! What lies in moka: names, and places whose entries can leave before moka lets go of them.

use std::{
    hash::{Hash, Hasher},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use cache_core::{Entry, KeyRef};
use moka::{Equivalent, Expiry};
use smol_str::SmolStr;

/// Where moka holds an entry.
///
/// moka frees what it removed some time later, on whatever thread comes along. The place is
/// emptied at once instead.
pub(super) type Place = Arc<ArcSwapOption<Entry>>;

/// Entries that moka has let go of, for whoever leaves moka next to drop: a value's drop is the
/// user's code and must not run under moka's locks.
#[derive(Default)]
pub(super) struct Departed(Mutex<Vec<Arc<Entry>>>);

impl Departed {
    pub(super) fn push(&self, entry: Arc<Entry>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    /// Drops them, unless somebody else is about to.
    pub(super) fn bury(&self) {
        let entries = match self.0.try_lock() {
            Ok(mut entries) => std::mem::take(&mut *entries),
            Err(TryLockError::Poisoned(entries)) => std::mem::take(&mut *entries.into_inner()),
            Err(TryLockError::WouldBlock) => return,
        };
        // A drop that panics must fail neither a call that happens to pass nor the janitor.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(entries)));
    }
}

/// Every entry lives as long as it says.
pub(super) struct OwnTtl;

/// Longer than any process, and short enough for moka to add to a moment.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Expiry<Name, Place> for OwnTtl {
    fn expire_after_create(&self, _: &Name, place: &Place, _: Instant) -> Option<Duration> {
        let ttl = place.load().as_ref().map(|entry| entry.ttl());
        ttl.map(|ttl| ttl.min(FOR_EVER))
    }

    fn expire_after_update(
        &self,
        name: &Name,
        place: &Place,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(name, place, now)
    }
}

/// A key as moka holds it.
#[derive(PartialEq, Eq)]
pub(super) struct Name {
    hash: u64,
    pub(super) text: SmolStr,
}

impl Name {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            hash: entry.key().hash,
            text: entry.key_text(),
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A key as moka is asked for it.
pub(super) struct Wanted<'a>(pub(super) KeyRef<'a>);

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Equivalent<Name> for Wanted<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        self.0.hash == name.hash && name.text == self.0.text
    }
}

/// Passes on a hash that is ready.
#[derive(Default)]
pub(super) struct Ready(u64);

impl Hasher for Ready {
    fn write(&mut self, _: &[u8]) {
        unreachable!("names are hashed as one number");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
