//! What is counted, per function and per namespace.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

const STRIPES: usize = 8;

/// A counter that two threads count on without touching one line of memory.
#[derive(Debug, Default)]
pub(crate) struct Striped([Stripe; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

impl Striped {
    pub(crate) fn one(&self) {
        self.0[stripe()].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0
            .iter()
            .map(|stripe| stripe.0.load(Ordering::Relaxed))
            .sum()
    }
}

/// This thread's stripe.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        mine.get()
    })
}

/// What happened to the calls of one function, or to the calls made by hand.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    near_hits: Striped,
    pub(crate) far_hits: Striped,
    pub(crate) misses: Striped,
    pub(crate) coalesced: Count,
    pub(crate) loads: Count,
    pub(crate) load_errors: Count,
    pub(crate) load_nanos: Count,
    pub(crate) refused: Count,
    pub(crate) far_errors: Count,
    pub(crate) undecodable: Count,
    pub(crate) forged: Count,
}

impl Counts {
    pub(crate) fn near_hit(&self) {
        self.near_hits.one();
    }

    pub(crate) fn snapshot(&self) -> CallStats {
        CallStats {
            near_hits: self.near_hits.get(),
            far_hits: self.far_hits.get(),
            misses: self.misses.get(),
            coalesced: self.coalesced.get(),
            loads: self.loads.get(),
            load_errors: self.load_errors.get(),
            load_time: Duration::from_nanos(self.load_nanos.get()),
            stores_refused: self.refused.get(),
            far_errors: self.far_errors.get(),
            undecodable: self.undecodable.get(),
            forged: self.forged.get(),
        }
    }
}

/// A plain counter, for what is dearer than a hit anyway.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened to a set of calls since the cache was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallStats {
    /// Answered from this process.
    pub near_hits: u64,
    /// Answered from the far tier.
    pub far_hits: u64,
    /// Answered by neither.
    pub misses: u64,
    /// Misses that another caller's load answered.
    pub coalesced: u64,
    /// Runs of the function behind the cache.
    pub loads: u64,
    /// Runs that gave an error.
    pub load_errors: u64,
    /// How long all runs took together.
    pub load_time: Duration,
    /// Loaded values that were not stored, because they were invalidated while they were loaded
    /// or because another process held the right.
    pub stores_refused: u64,
    /// Calls of the far tier that failed.
    pub far_errors: u64,
    /// Far entries that could not be read as this type: written by another version, compressed or
    /// sealed in a way that this cache does not take, or damaged.
    pub undecodable: u64,
    /// Far entries whose seal does not fit: changed, moved from another key or namespace, or sealed
    /// by another key of the same id.
    pub forged: u64,
}

impl CallStats {
    /// Hits as a part of all calls, `0.0..=1.0`; zero without calls.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
    pub fn hit_ratio(&self) -> f64 {
        let hits = self.near_hits + self.far_hits;
        match hits + self.misses {
            0 => 0.0,
            calls => hits as f64 / calls as f64,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            near_hits: self.near_hits + other.near_hits,
            far_hits: self.far_hits + other.far_hits,
            misses: self.misses + other.misses,
            coalesced: self.coalesced + other.coalesced,
            loads: self.loads + other.loads,
            load_errors: self.load_errors + other.load_errors,
            load_time: self.load_time + other.load_time,
            stores_refused: self.stores_refused + other.stores_refused,
            far_errors: self.far_errors + other.far_errors,
            undecodable: self.undecodable + other.undecodable,
            forged: self.forged + other.forged,
        }
    }
}

/// A snapshot of a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The namespace that it is about.
    pub namespace: String,
    /// All calls together.
    pub total: CallStats,
    /// The calls of each cached function, by its path, in that order.
    pub functions: Vec<(&'static str, CallStats)>,
    /// Values in the near tier.
    pub near_entries: u64,
    /// Loads on their way.
    pub flights: usize,
    /// Groups that live values and running loads belong to.
    pub groups: usize,
    /// Far invalidations that failed and wait to be tried again.
    pub retries: usize,
    /// Whether invalidations of other processes are heard of. Without, near values of a shared
    /// store live for 5 s at most.
    pub feed_alive: bool,
    /// Whether the far tier is given up for the moment.
    pub breaker_open: bool,
}

impl Stats {
    pub(crate) fn sum(&mut self, by_hand: CallStats) {
        self.total = self
            .functions
            .iter()
            .fold(by_hand, |total, (_, calls)| total.plus(*calls));
    }
}
