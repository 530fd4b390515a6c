//! Which reads of a log are stale.

use std::{collections::HashMap, fmt, time::Duration};

use crate::recorder::{Invalidation, Log, Read};

/// How many stale reads a report shows.
const SHOWN: usize = 5;

/// What [`check`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How many reads there were.
    pub reads: u64,
    /// How many of them returned without running their own load.
    pub hits: u64,
    /// How many invalidations completed, and so promised something.
    pub invalidations: usize,
    /// How many entries of the log are stale. A run of equal hits counts once.
    pub stale: usize,
    /// The stale reads that were furthest behind, worst first, at most five.
    pub worst: Vec<Stale>,
    /// How long before the start of a stale read its value had been invalidated, at most.
    pub oldest: Duration,
    /// The longest time that a read took.
    pub slowest: Duration,
}

/// A read that returned less than an invalidation had promised before it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The read.
    pub read: Read,
    /// The least version it should have returned.
    pub floor: u64,
    /// The invalidation that promised it.
    pub promise: Invalidation,
    /// How long before the read started its value had been invalidated.
    pub age: Duration,
}

impl Report {
    /// Hits as a share of all reads, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no 64 bits")]
    pub fn hit_ratio(&self) -> f64 {
        self.hits as f64 / self.reads.max(1) as f64
    }

    /// Fails the test if a read was stale, or if there was nothing to find it by.
    ///
    /// # Panics
    ///
    /// Just then, and shows the worst.
    pub fn assert_fresh(&self) {
        assert!(
            self.reads > 0 && self.invalidations > 0,
            "a log without reads or invalidations proves nothing: {self}"
        );
        assert!(self.stale == 0, "{self}");
    }

    /// Fails the test if a read returned what had been invalidated `bound` before it started, or
    /// earlier, or if there was nothing to find it by.
    ///
    /// # Panics
    ///
    /// Just then, and shows the worst.
    pub fn assert_within(&self, bound: Duration) {
        assert!(
            self.reads > 0 && self.invalidations > 0,
            "a log without reads or invalidations proves nothing: {self}"
        );
        assert!(self.oldest < bound, "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} reads ({:.1} % hits, slowest {:?}), {} invalidations, {} stale",
            self.reads,
            self.hit_ratio() * 100.0,
            self.slowest,
            self.invalidations,
            self.stale
        )?;
        for Stale {
            read,
            floor,
            promise,
            age,
        } in &self.worst
        {
            write!(
                f,
                "\n  key {}: version {} returned by a {} at ticks {}..{}, but {floor} was promised \
                 by an invalidation at ticks {}..{}, and it was invalid for {age:?}",
                read.key,
                read.version,
                if read.hit { "hit" } else { "load" },
                read.start,
                read.end,
                promise.start,
                promise.end.unwrap_or(promise.start),
            )?;
        }
        Ok(())
    }
}

/// Looks for reads that break the first promise of a cache: a read that starts after an
/// invalidation of its key completed never returns less than what was committed before that
/// invalidation started. An invalidation that failed, or that a read overlaps, promises nothing.
pub fn check(log: &Log) -> Report {
    let floors = Floors::new(log);
    let mut stale: Vec<Stale> = log
        .reads
        .iter()
        .filter_map(|read| floors.judge(read))
        .collect();
    let found = stale.len();
    let oldest = stale.iter().map(|stale| stale.age).max();
    stale.sort_by_key(|stale| std::cmp::Reverse(stale.floor - stale.read.version));
    stale.truncate(SHOWN);
    Report {
        reads: log.reads.iter().map(|read| read.repeats).sum(),
        hits: log
            .reads
            .iter()
            .filter(|read| read.hit)
            .map(|read| read.repeats)
            .sum(),
        invalidations: log
            .invalidations
            .iter()
            .filter(|one| one.end.is_some())
            .count(),
        stale: found,
        worst: stale,
        oldest: oldest.unwrap_or_default(),
        slowest: log
            .reads
            .iter()
            .map(|read| read.took)
            .max()
            .unwrap_or_default(),
    }
}

/// From a tick on, no less than a version.
struct Floor<'a> {
    from: u64,
    version: u64,
    promise: &'a Invalidation,
}

/// Per key, the floors in the order of time, each higher than the one before.
struct Floors<'a>(HashMap<usize, Vec<Floor<'a>>>);

impl<'a> Floors<'a> {
    fn new(log: &'a Log) -> Self {
        let mut floors: HashMap<usize, Vec<Floor<'a>>> = HashMap::new();
        for promise in &log.invalidations {
            let Some(from) = promise.end else { continue };
            for &(key, version) in &promise.floors {
                floors.entry(key).or_default().push(Floor {
                    from,
                    version,
                    promise,
                });
            }
        }
        for steps in floors.values_mut() {
            steps.sort_by_key(|step| step.from);
            let mut highest = None;
            steps.retain(|step| {
                let rises = Some(step.version) > highest;
                highest = highest.max(Some(step.version));
                rises
            });
        }
        Self(floors)
    }

    fn judge(&self, read: &Read) -> Option<Stale> {
        let steps = self.0.get(&read.key)?;
        let before = steps.partition_point(|step| step.from < read.start);
        let floor = &steps[before.checked_sub(1)?];
        if read.version >= floor.version {
            return None;
        }
        // The first of the promises that it breaks.
        let first = steps.partition_point(|step| step.version <= read.version);
        let since = steps[first].promise.done;
        Some(Stale {
            read: read.clone(),
            floor: floor.version,
            promise: floor.promise.clone(),
            age: read.began.saturating_duration_since(since),
        })
    }
}
