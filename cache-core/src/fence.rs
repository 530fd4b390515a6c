//! The fence in this process: whether a load that began then may be seen now.
//!
//! One sequence counts invalidations. A load remembers the sequence at which it began. Every
//! group that a live entry or a running load belongs to has one [`Cell`], which holds the
//! sequence of the group's last invalidation. What was born before that is dead.

use std::{collections::HashMap, fmt};

use crate::sync::{Arc, AtomicU64, Mutex, Ordering, Weak, lock};

const SHARDS: usize = 64;

/// The last invalidation of one group.
#[derive(Debug, Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    /// Whether what was born at `born` has not been invalidated since.
    pub(crate) fn stands(&self, born: u64) -> bool {
        self.0.load(Ordering::Acquire) <= born
    }
}

/// All groups of one cache.
pub(crate) struct Fence {
    /// Counts invalidations; a load's birth is its value.
    sequence: AtomicU64,
    /// The newest invalidation that has reached its cell.
    newest: AtomicU64,
    /// The namespace's own cell: everything belongs to it.
    all: Arc<Cell>,
    shards: Box<[Mutex<Shard>]>,
}

/// Cells by group name. Weak: a group that no entry and no load belongs to needs no cell, and a
/// dead one is swept when the table has doubled.
#[derive(Default)]
struct Shard {
    cells: HashMap<Box<str>, Weak<Cell>, foldhash::fast::RandomState>,
    sweep_at: usize,
}

impl Fence {
    pub(crate) fn new() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            newest: AtomicU64::new(0),
            all: Arc::new(Cell::default()),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The newest invalidation of any group.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// The birth of a load that belongs to `groups` and begins now, and the groups' cells.
    ///
    /// The cells are found before the sequence is read: an invalidation that did not see a cell
    /// made here has counted before, so the load is born after it.
    pub(crate) fn begin<'a>(
        &self,
        groups: impl IntoIterator<Item = &'a str>,
    ) -> (u64, Box<[Arc<Cell>]>) {
        let cells = std::iter::once(self.all.clone())
            .chain(groups.into_iter().map(|group| self.cell(group)))
            .collect();
        (self.birth(), cells)
    }

    /// The birth of what begins now.
    pub(crate) fn birth(&self) -> u64 {
        self.sequence.load(Ordering::SeqCst)
    }

    /// Invalidates one group: whatever belongs to it and was born before now is dead.
    pub(crate) fn invalidate(&self, group: &str) {
        let sequence = self.tick();
        let cell = lock(self.shard(group))
            .cells
            .get(group)
            .and_then(Weak::upgrade);
        if let Some(cell) = cell {
            cell.0.fetch_max(sequence, Ordering::SeqCst);
            self.newest.fetch_max(sequence, Ordering::SeqCst);
        }
    }

    /// Invalidates everything.
    pub(crate) fn invalidate_all(&self) {
        let sequence = self.tick();
        self.all.0.fetch_max(sequence, Ordering::SeqCst);
        self.newest.fetch_max(sequence, Ordering::SeqCst);
    }

    /// How many groups have a place in the table.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| lock(shard).cells.len())
            .sum()
    }

    fn tick(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn cell(&self, group: &str) -> Arc<Cell> {
        let mut shard = lock(self.shard(group));
        if let Some(cell) = shard.cells.get(group).and_then(Weak::upgrade) {
            return cell;
        }
        if shard.cells.len() >= shard.sweep_at {
            shard.cells.retain(|_, cell| cell.strong_count() > 0);
            shard.sweep_at = (shard.cells.len() * 2).max(16);
        }
        let cell = Arc::new(Cell::default());
        shard.cells.insert(group.into(), Arc::downgrade(&cell));
        cell
    }

    fn shard(&self, group: &str) -> &Mutex<Shard> {
        let hash = crate::key::hash(group);
        &self.shards[usize::try_from(hash >> 58).expect("six bits")]
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence")
            .field("sequence", &self.sequence)
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn a_group_dies_with_its_invalidation_and_no_other() {
        let fence = Fence::new();
        let (born, cells) = fence.begin(["p:users", "t:team"]);
        let stands = || cells.iter().all(|cell| cell.stands(born));
        fence.invalidate("p:posts");
        assert!(stands());
        fence.invalidate("t:team");
        assert!(!stands());
        let (born, cells) = fence.begin(["t:team"]);
        assert!(cells.iter().all(|cell| cell.stands(born)), "born after it");
        fence.invalidate_all();
        assert!(!cells.iter().all(|cell| cell.stands(born)));
    }

    #[test]
    fn the_table_forgets_groups_that_nothing_belongs_to() {
        let fence = Fence::new();
        let held = fence.begin(["p:held"]);
        for group in 0..100_000 {
            fence.begin([&*format!("p:{group}")]);
        }
        assert!(fence.len() <= SHARDS * 32, "{} groups", fence.len());
        fence.invalidate("p:held");
        assert!(!held.1.iter().all(|cell| cell.stands(held.0)));
    }
}
