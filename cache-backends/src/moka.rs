//! The near tier on moka: which entries stay in this process, and how a hit is made cheap.
//!
//! moka decides what stays: capacity, admission, expiry. In front of it stands a table of slots
//! ([`Front`]) in which a hit finds its entry without a lock and without writing to memory that
//! other threads read.
//!
//! # Why no read that begins after a write has returned sees an older entry
//!
//! An entry is seen through a slot or through moka. `insert` puts the new entry into the slot of
//! its key, or into another if the key has none, and then into moka; `remove` clears the slot
//! and then moka. Both look through all slots in which the key can stand, and no other writer
//! changes these meanwhile, so when they return, no slot holds the older entry, and nobody but
//! the next `insert` of this key fills one. moka itself forgets the older entry before its
//! `insert` or `invalidate` returns. Between the two steps a reader may still see the older
//! entry, but then the write has not returned. The rest follows:
//!
//! - moka's listener, which may run late and on any thread, only empties a slot, and only the
//!   slot that holds the very entry that left moka. It cannot hide a newer one.
//! - An entry stands in its slot before moka knows it, so moka's farewell, even if moka evicts
//!   the entry at once, comes after: no slot keeps what has left moka.
//! - Keys of equal hash may stand side by side, in slots and in moka: the text decides.

mod front;
mod hits;
mod janitor;
mod place;

use std::{
    any::Any,
    fmt,
    hash::BuildHasherDefault,
    sync::{Arc, Weak},
    time::Instant,
};

use arc_swap::ArcSwapOption;
use cache_core::{Entry, Error, ErrorKind, KeyRef, NearStore, Result};
use moka::sync::Cache;

use self::{
    front::Front,
    hits::Hits,
    janitor::Swept,
    place::{Departed, Name, OwnTtl, Place, Ready, Wanted},
};

/// How many entries a store holds unless told otherwise.
pub const DEFAULT_ENTRIES: u64 = 65_536;

/// moka as a near tier: bounded, and quicker than moka alone.
///
/// A hit is found without a lock, in a table that takes 32 bytes for each entry of the bound at
/// once, 16 MiB at most. moka is told of a sample of the hits later, so that its idea of what is
/// popular stays right. Expired entries leave memory within about two seconds.
///
/// ```
/// # use cache_backends::Moka;
/// let by_number = Moka::new(10_000)?;
/// let by_bytes = Moka::builder()
///     .max_weight(64 << 20, |key, value| {
///         let len = value.downcast_ref::<String>().map_or(0, String::len);
///         u32::try_from(key.len() + len).unwrap_or(u32::MAX)
///     })
///     .build()?;
/// # Ok::<(), cache_core::Error>(())
/// ```
pub struct Moka(Arc<Inner>);

struct Inner {
    store: Store,
    front: Arc<Front>,
    departed: Arc<Departed>,
    hits: Hits,
}

type Store = Cache<Name, Place, BuildHasherDefault<Ready>>;

impl Moka {
    /// A store for this many entries.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `max_entries` is zero.
    pub fn new(max_entries: u64) -> Result<Self> {
        Self::builder().max_entries(max_entries).build()
    }

    /// A store for 65,536 entries, unless the builder is told otherwise.
    pub fn builder() -> MokaBuilder {
        MokaBuilder::default()
    }
}

impl Default for Moka {
    /// A store for 65,536 entries.
    fn default() -> Self {
        Self::new(DEFAULT_ENTRIES).expect("the default is not zero")
    }
}

impl NearStore for Moka {
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        if self.0.front.find(key, seen) {
            self.0.hits.note(key.hash);
        } else {
            self.0.read_moka(key, seen);
        }
    }

    fn insert(&self, entry: Arc<Entry>) {
        let Inner { store, front, .. } = &*self.0;
        self.0.report_hits();
        front.put(entry.clone());
        store.insert(Name::of(&entry), Arc::new(ArcSwapOption::new(Some(entry))));
        self.0.departed.bury();
        janitor::wake();
    }

    fn remove(&self, key: KeyRef<'_>) {
        self.0.front.remove(key);
        self.0.store.invalidate(&Wanted(key));
        self.0.departed.bury();
    }

    fn clear(&self) {
        self.0.front.clear();
        // moka forgets what was inserted before this moment, so let the moment of the last
        // insert pass.
        let last = Instant::now();
        while Instant::now() == last {
            std::hint::spin_loop();
        }
        self.0.store.invalidate_all();
        janitor::wake();
    }

    fn len(&self) -> u64 {
        self.0.tidy();
        self.0.store.entry_count()
    }
}

impl fmt::Debug for Moka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moka")
            .field("entries", &self.0.store.entry_count())
            .field("policy", &self.0.store.policy())
            .finish_non_exhaustive()
    }
}

impl Inner {
    #[cold]
    fn read_moka(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        if let Some(place) = self.store.get(&Wanted(key))
            && let Some(entry) = &*place.load()
        {
            seen(entry);
        }
        self.departed.bury();
    }

    /// Tells moka which entries were hit in their slots.
    fn report_hits(&self) {
        self.hits.drain(|hash| {
            if let Some(entry) = self.front.some(hash) {
                self.store.get(&Wanted(entry.key()));
            }
        });
    }

    /// Has moka do what it puts off.
    fn tidy(&self) {
        self.store.run_pending_tasks();
        self.departed.bury();
    }
}

impl Swept for Inner {
    fn sweep(&self) -> bool {
        self.report_hits();
        self.tidy();
        self.store.entry_count() > 0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        janitor::dismiss();
    }
}

/// What a key or value weighs.
type Weigher = Box<dyn Fn(&str, &(dyn Any + Send + Sync)) -> u32 + Send + Sync>;

/// Settings of a [`Moka`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct MokaBuilder {
    capacity: u64,
    weigher: Option<Weigher>,
}

impl Default for MokaBuilder {
    fn default() -> Self {
        Self {
            capacity: DEFAULT_ENTRIES,
            weigher: None,
        }
    }
}

impl fmt::Debug for MokaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaBuilder")
            .field("capacity", &self.capacity)
            .field("weighed", &self.weigher.is_some())
            .finish()
    }
}

impl MokaBuilder {
    /// Holds at most this many entries. 65,536 unless set.
    pub fn max_entries(self, max_entries: u64) -> Self {
        Self {
            capacity: max_entries,
            weigher: None,
        }
    }

    /// Holds entries that together weigh at most this much, in whatever unit `weigh` answers
    /// for a key and its value. A remembered absence is weighed with `()` as its value. An entry
    /// weighs at least 1.
    pub fn max_weight(
        self,
        max_weight: u64,
        weigh: impl Fn(&str, &(dyn Any + Send + Sync)) -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self {
            capacity: max_weight,
            weigher: Some(Box::new(weigh)),
        }
    }

    /// Makes the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the bound is zero.
    pub fn build(self) -> Result<Moka> {
        if self.capacity == 0 {
            return Err(Error::new(
                ErrorKind::Config,
                "a near tier that may hold nothing: give it room, or build the cache without one",
            ));
        }
        // How many entries a weight makes is unknown; a slot too few costs time, not entries.
        let entries = match &self.weigher {
            Some(_) => DEFAULT_ENTRIES,
            None => self.capacity,
        };
        let front = Arc::new(Front::new(entries));
        let departed = Arc::new(Departed::default());
        let inner = Arc::new(Inner {
            store: self.store(front.clone(), departed.clone()),
            front,
            departed,
            hits: Hits::default(),
        });
        let swept: Weak<Inner> = Arc::downgrade(&inner);
        janitor::employ(swept);
        Ok(Moka(inner))
    }

    fn store(self, front: Arc<Front>, departed: Arc<Departed>) -> Store {
        let mut builder = Cache::builder()
            .max_capacity(self.capacity)
            .expire_after(OwnTtl)
            .eviction_listener(move |_, place: Place, _| {
                if let Some(entry) = place.swap(None) {
                    front.forget(&entry);
                    departed.push(entry);
                }
            });
        if let Some(weigh) = self.weigher {
            builder = builder.weigher(move |name: &Name, place: &Place| {
                let entry = place.load();
                let value = entry.as_ref().and_then(|entry| entry.value());
                weigh(&name.text, value.unwrap_or(&())).max(1)
            });
        }
        builder.build_with_hasher(BuildHasherDefault::default())
    }
}

#[cfg(test)]
mod tests {
    use super::Moka;

    cache_core::near_conformance!(Moka::new(100));
}
