//! Which hits moka hears of, so that it knows what is popular.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// A sample of the hits that moka did not see, until the next writer or the janitor tells it.
/// Telling it at once would cost a hit 150 ns, and moka would use it to evict.
///
/// The first hits after each report are all noted, so that moka weighs hits and misses alike
/// where both are frequent; then one in 32 is, which is enough where misses are rare. Measured
/// with capacities of a tenth to five sixths of the keys, this costs up to 0.25 % of hits, and
/// one in 32 alone up to 5 %.
///
/// On cache lines of its own, because it is written while everything around it is only read.
#[repr(align(64))]
pub(super) struct Hits {
    len: AtomicUsize,
    hashes: [AtomicU64; Self::MOST],
}

impl Hits {
    /// How many hits are noted one after the other.
    const EAGER: usize = 16;

    /// How many are noted at all.
    const MOST: usize = 128;

    /// One hit in two to this power is noted meanwhile.
    const RARITY: u32 = 5;

    #[inline]
    pub(super) fn note(&self, hash: u64) {
        thread_local!(static DICE: Cell<u32> = const { Cell::new(0) });
        // Random, because a loop over 32 keys would always note the same one.
        let dice = DICE
            .get()
            .wrapping_mul(0x915F_77F5)
            .wrapping_add(0x9E37_79B9);
        DICE.set(dice);
        let len = self.len.load(Ordering::Relaxed);
        if len < Self::EAGER || (len < Self::MOST && dice >> (u32::BITS - Self::RARITY) == 0) {
            self.push(hash);
        }
    }

    #[cold]
    fn push(&self, hash: u64) {
        let at = self.len.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = self.hashes.get(at) {
            slot.store(hash, Ordering::Relaxed);
        }
    }

    /// Tells what was noted, and begins anew. A hash that is being written meanwhile is told
    /// the next time, or never.
    pub(super) fn drain(&self, tell: impl FnMut(u64)) {
        if self.len.load(Ordering::Relaxed) > 0 {
            let len = self.len.swap(0, Ordering::Relaxed).min(Self::MOST);
            let noted = self.hashes[..len].iter();
            noted
                .map(|hash| hash.load(Ordering::Relaxed))
                .for_each(tell);
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
