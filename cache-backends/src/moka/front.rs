//! The table in front of moka: which entries a hit finds without asking moka.
//!
//! Slots are filled by writers only. A read changes nothing, so that what was removed cannot be
//! brought back by one.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use cache_core::{Entry, KeyRef};

/// Slots of one bucket: one cache line.
const WIDTH: usize = 4;

/// The most slots of a table: 16 MiB, two slots for each of half a million entries.
const MOST_SLOTS: usize = 1 << 20;

/// Locks that writers share; a reader takes none.
const STRIPES: usize = 64;

/// The slots.
///
/// An entry may stand in the bucket of its hash or in that one's twin, the other half of the
/// same pair of cache lines. It stands in one slot at most, and may lose that to another entry;
/// it is then read through moka.
pub(super) struct Front {
    buckets: Box<[Bucket]>,
    stripes: [Mutex<()>; STRIPES],
}

#[derive(Default)]
#[repr(align(64))]
struct Bucket([Slot; WIDTH]);

/// One place for an entry.
#[derive(Default)]
struct Slot {
    /// The hash of the entry, so that a reader need not touch other entries. A hint: the entry
    /// itself decides.
    tag: AtomicU64,
    entry: ArcSwapOption<Entry>,
}

impl Front {
    /// A table for about this many entries.
    pub(super) fn new(entries: u64) -> Self {
        let slots = usize::try_from(entries)
            .unwrap_or(MOST_SLOTS)
            .saturating_mul(2)
            .clamp(2 * WIDTH, MOST_SLOTS)
            .next_power_of_two();
        Self {
            buckets: (0..slots / WIDTH).map(|_| Bucket::default()).collect(),
            stripes: [const { Mutex::new(()) }; STRIPES],
        }
    }

    /// Calls `seen` with the entry of this key, if it has a slot. `false` if it has none.
    #[inline]
    pub(super) fn find(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) -> bool {
        for slot in self.tagged(key.hash) {
            if let Some(entry) = &*slot.entry.load()
                && entry.key() == key
            {
                seen(entry);
                return true;
            }
        }
        false
    }

    /// The entry of some key with this hash that has a slot.
    pub(super) fn some(&self, hash: u64) -> Option<Arc<Entry>> {
        self.tagged(hash)
            .find_map(|slot| slot.entry.load_full())
            .filter(|entry| entry.key().hash == hash)
    }

    /// Gives an entry a slot: that of the same key, a free one, or another entry's.
    pub(super) fn put(&self, entry: Arc<Entry>) {
        let key = entry.key();
        let hash = key.hash;
        let locked = self.lock(hash);
        let slot = self
            .slot_of(key)
            .or_else(|| self.slots(hash).find(|slot| slot.entry.load().is_none()))
            .unwrap_or_else(|| self.victim(hash));
        slot.tag.store(hash, Ordering::Relaxed);
        let old = slot.entry.swap(Some(entry));
        // Dropping a value runs code of the user's.
        drop(locked);
        drop(old);
    }

    /// Takes the slot of this key away.
    pub(super) fn remove(&self, key: KeyRef<'_>) {
        let locked = self.lock(key.hash);
        let old = self.slot_of(key).and_then(|slot| slot.entry.swap(None));
        drop(locked);
        drop(old);
    }

    /// Takes the slot of this very entry away, if it still has one. Without a lock, because
    /// moka calls this from wherever it evicts.
    pub(super) fn forget(&self, entry: &Arc<Entry>) {
        for slot in self.tagged(entry.key().hash) {
            slot.entry.compare_and_swap(Arc::as_ptr(entry), None);
        }
    }

    /// Takes all slots away.
    pub(super) fn clear(&self) {
        let slots = self.buckets.iter().flat_map(|bucket| &bucket.0);
        for slot in slots.filter(|slot| slot.entry.load().is_some()) {
            slot.entry.store(None);
        }
    }

    /// The slots in which an entry with this hash may stand, the likelier half first.
    #[inline]
    fn slots(&self, hash: u64) -> impl Iterator<Item = &Slot> {
        let at = self.bucket(hash);
        self.buckets[at].0.iter().chain(&self.buckets[at ^ 1].0)
    }

    /// Those of them whose tags say so. A writer changes a tag and its entry together, under
    /// the lock, so that only a reader of that moment can be misled.
    #[inline]
    fn tagged(&self, hash: u64) -> impl Iterator<Item = &Slot> {
        self.slots(hash)
            .filter(move |slot| slot.tag.load(Ordering::Relaxed) == hash)
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the mask cuts deeper")]
    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    fn slot_of(&self, key: KeyRef<'_>) -> Option<&Slot> {
        self.tagged(key.hash).find(|slot| {
            slot.entry
                .load()
                .as_ref()
                .is_some_and(|entry| entry.key() == key)
        })
    }

    /// Whose slot a newcomer gets where all are taken: one of its own bucket, by bits of its
    /// hash that no bucket depends on.
    fn victim(&self, hash: u64) -> &Slot {
        let at = usize::from(hash.to_be_bytes()[0]) % WIDTH;
        &self.buckets[self.bucket(hash)].0[at]
    }

    /// Keeps other writers away from this pair of buckets.
    fn lock(&self, hash: u64) -> MutexGuard<'_, ()> {
        let pair = self.bucket(hash) / 2;
        self.stripes[pair % STRIPES]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(n: u64) -> Arc<Entry> {
        let ttl = Duration::from_secs(3_600);
        Arc::new(Entry::detached(&format!("key:{n}"), Arc::new(n), ttl))
    }

    fn finds(front: &Front, entry: &Arc<Entry>) -> bool {
        let mut found = None;
        front.find(entry.key(), &mut |seen| {
            found = Some(std::ptr::from_ref(seen));
        });
        found.is_some_and(|found| std::ptr::eq(found, Arc::as_ptr(entry)))
    }

    #[test]
    fn every_slot_of_a_pair_is_used_before_an_entry_loses_its_own() {
        let front = Front::new(1);
        let entries: Vec<_> = (0..20).map(entry).collect();
        for (n, entry) in entries.iter().enumerate() {
            front.put(entry.clone());
            assert!(finds(&front, entry));
            let kept = entries.iter().filter(|entry| finds(&front, entry)).count();
            assert_eq!(kept, (n + 1).min(2 * WIDTH));
        }
    }

    #[test]
    fn a_key_has_one_slot_which_its_newest_entry_keeps() {
        let front = Front::new(1);
        for _ in 0..20 {
            front.put(entry(1));
        }
        let newest = entry(1);
        front.put(newest.clone());
        front.forget(&entry(1));
        assert!(
            finds(&front, &newest),
            "another entry of the key was forgotten"
        );
        assert!(front.some(newest.key().hash).is_some());
        front.remove(newest.key());
        assert!(front.some(newest.key().hash).is_none());
        assert_eq!(Arc::strong_count(&newest), 1);
    }

    #[test]
    fn what_is_forgotten_or_cleared_has_no_owner_here() {
        let front = Front::new(1);
        let (one, two) = (entry(1), entry(2));
        front.put(one.clone());
        front.put(two.clone());
        front.forget(&one);
        assert!(!finds(&front, &one) && finds(&front, &two));
        front.clear();
        assert!(!finds(&front, &two));
        assert_eq!((Arc::strong_count(&one), Arc::strong_count(&two)), (1, 1));
    }
}
