//! The near tier on moka: which entries stay in this process, and how a hit is made cheap.
//!
//! moka decides what stays: capacity, admission, expiry. In front of it stands a table of slots
//! ([`Front`](crate::front::Front)) in which a hit finds its entry without a lock and without
//! writing to memory that other threads read.
//!
//! # Why no read that begins after a write has returned sees an older entry
//!
//! An entry is seen through a slot or through moka. `insert` puts the new entry into the slot of
//! its key, or into another if the key has none, and then into moka; `remove` clears the slot
//! and then moka. Both look through all slots in which the key can stand, whatever their tags
//! say, so when they return, no slot holds the older entry, and nobody but the next `insert` of
//! this key fills one. moka itself forgets a key before its `insert` or `invalidate` returns.
//! Between the two steps a reader may still see the older entry, but then the write has not
//! returned. The rest follows:
//!
//! - moka's listener, which may run late and on any thread, only empties a slot, and only the
//!   slot that holds the very entry that left moka. It cannot hide a newer one.
//! - An entry stands in its slot before moka knows it, so moka's farewell, even if moka evicts
//!   the entry at once, comes after: no slot keeps what has left moka.
//! - Keys of equal hash may stand side by side, in slots and in moka: the text decides.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cache_core::{Entry, Error, ErrorKind, KeyRef, NearStore, Result};
use moka::{Equivalent, Expiry, sync::Cache};
use smol_str::SmolStr;

use crate::{
    front::Front,
    janitor::{self, Swept},
};

/// How many entries a store holds unless told otherwise.
pub const DEFAULT_ENTRIES: u64 = 65_536;

/// moka as a near tier: bounded, with TinyLFU admission, and quicker than moka alone.
///
/// A hit is found without a lock. One in 32 hits is told to moka, so that its idea of what is
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
    hits: Hits,
}

type Store = Cache<Name, Arc<Entry>, BuildHasherDefault<Ready>>;

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
        } else if let Some(entry) = self.0.store.get(&Wanted(key)) {
            seen(&entry);
        }
    }

    fn insert(&self, entry: Arc<Entry>) {
        self.0.report_hits();
        self.0.front.put(entry.clone());
        self.0.store.insert(Name::of(&entry), entry);
        janitor::wake();
    }

    fn remove(&self, key: KeyRef<'_>) {
        self.0.front.remove(key);
        self.0.store.invalidate(&Wanted(key));
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
        self.0.store.run_pending_tasks();
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
    /// Tells moka which entries were hit in their slots.
    fn report_hits(&self) {
        self.hits.drain(|hash| {
            if let Some(entry) = self.front.some(hash) {
                self.store.get(&Wanted(entry.key()));
            }
        });
    }
}

impl Swept for Inner {
    fn sweep(&self) -> bool {
        self.report_hits();
        self.store.run_pending_tasks();
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
        let entries = self
            .weigher
            .as_ref()
            .map_or(self.capacity, |_| DEFAULT_ENTRIES);
        let front = Arc::new(Front::new(entries));
        let forgetful = front.clone();
        let mut builder = Cache::builder()
            .max_capacity(self.capacity)
            .expire_after(OwnTtl)
            .eviction_listener(move |_, entry, _| forgetful.forget(entry));
        if let Some(weigh) = self.weigher {
            builder = builder.weigher(move |name: &Name, entry: &Arc<Entry>| {
                weigh(&name.text, entry.value().unwrap_or(&())).max(1)
            });
        }
        let inner = Arc::new(Inner {
            store: builder.build_with_hasher(BuildHasherDefault::default()),
            front,
            hits: Hits::default(),
        });
        let swept: Weak<Inner> = Arc::downgrade(&inner);
        janitor::employ(swept);
        Ok(Moka(inner))
    }
}

/// Every entry lives as long as it says.
struct OwnTtl;

/// Longer than any process, and short enough for moka to add to a moment.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Expiry<Name, Arc<Entry>> for OwnTtl {
    fn expire_after_create(&self, _: &Name, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(entry.ttl().min(FOR_EVER))
    }

    fn expire_after_update(
        &self,
        name: &Name,
        entry: &Arc<Entry>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(name, entry, now)
    }
}

/// A key as moka holds it.
#[derive(PartialEq, Eq)]
struct Name {
    hash: u64,
    text: SmolStr,
}

impl Name {
    fn of(entry: &Entry) -> Self {
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
struct Wanted<'a>(KeyRef<'a>);

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
struct Ready(u64);

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

/// A sample of the hits that moka did not see, until the next writer or the janitor tells it.
/// Telling it at once would cost a hit 150 ns, and moka would use it to evict.
struct Hits {
    len: AtomicUsize,
    hashes: [AtomicU64; Self::MOST],
}

impl Hits {
    /// Further hits are not noted: a sample is enough.
    const MOST: usize = 128;

    /// One hit in 2 to this power is noted.
    const RARITY: u32 = 5;

    #[inline]
    fn note(&self, hash: u64) {
        thread_local!(static DICE: Cell<u32> = const { Cell::new(0) });
        // Random, because a loop over 32 keys would always note the same one.
        let dice = DICE
            .get()
            .wrapping_mul(0x915F_77F5)
            .wrapping_add(0x9E37_79B9);
        DICE.set(dice);
        if dice >> (u32::BITS - Self::RARITY) == 0 {
            self.push(hash);
        }
    }

    #[cold]
    fn push(&self, hash: u64) {
        if self.len.load(Ordering::Relaxed) < Self::MOST {
            let at = self.len.fetch_add(1, Ordering::Relaxed);
            if let Some(slot) = self.hashes.get(at) {
                slot.store(hash, Ordering::Relaxed);
            }
        }
    }

    fn drain(&self, mut tell: impl FnMut(u64)) {
        if self.len.load(Ordering::Relaxed) == 0 {
            return;
        }
        // A hash that is being written just now is told the next time, or not.
        let len = self.len.swap(0, Ordering::Relaxed).min(Self::MOST);
        for slot in &self.hashes[..len] {
            tell(slot.load(Ordering::Relaxed));
        }
    }
}

impl Default for Hits {
    fn default() -> Self {
        Self {
            len: AtomicUsize::new(0),
            hashes: [const { AtomicU64::new(0) }; Self::MOST],
        }
    }
}
