//! What a connection was told when its leases were taken, so that their stores need not ask first.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cache_core::Header;

/// So many leases are remembered for sure, and up to twice as many at all. What is forgotten
/// costs its store a round trip and nothing else.
const REMEMBERED: usize = 2048;

type Table = HashMap<Box<str>, (Header, u64), foldhash::fast::RandomState>;

/// The CAS value under which each lease was written, as far as it is still to be stored under.
///
/// It belongs to one connection, and so to one life of one server: another life counts from one
/// again, and might give the same value to something else.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Tables>);

/// Leases that nobody stores under leave with the older table.
#[derive(Debug, Default)]
struct Tables {
    young: Table,
    old: Table,
}

impl Leases {
    pub(super) fn remember(&self, slot: &str, header: Header, cas: u64) {
        let mut tables = self.lock();
        if tables.young.len() >= REMEMBERED {
            tables.old = std::mem::take(&mut tables.young);
        }
        tables.young.insert(slot.into(), (header, cas));
    }

    /// The CAS value of the lease with this header, once.
    pub(super) fn take(&self, slot: &str, header: Header) -> Option<u64> {
        let mut tables = self.lock();
        let (taken, cas) = match tables.young.remove(slot) {
            Some(lease) => lease,
            None => tables.old.remove(slot)?,
        };
        (taken == header).then_some(cas)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: Header = [1; 12];
    const OTHER: Header = [2; 12];

    #[test]
    fn a_lease_is_remembered_once_and_for_its_header_only() {
        let leases = Leases::default();
        leases.remember("slot", MINE, 1);
        leases.remember("slot", MINE, 2);
        assert_eq!(leases.take("slot", MINE), Some(2));
        assert_eq!(leases.take("slot", MINE), None);
        leases.remember("slot", MINE, 3);
        assert_eq!(leases.take("slot", OTHER), None);
    }

    #[test]
    fn leases_that_nobody_stores_under_are_forgotten() {
        let leases = Leases::default();
        for at in 0..10 * REMEMBERED {
            leases.remember(&format!("slot:{at}"), MINE, 1);
        }
        let tables = leases.lock();
        assert!(tables.young.len() + tables.old.len() <= 2 * REMEMBERED);
        drop(tables);
        assert_eq!(leases.take("slot:0", MINE), None);
        let last = format!("slot:{}", 9 * REMEMBERED);
        assert_eq!(leases.take(&last, MINE), Some(1));
    }
}
