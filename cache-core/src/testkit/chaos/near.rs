//! A near tier in which things go wrong.

use std::{sync::Arc, thread};

use super::{Chaos, Fault, Plan, roll::Roll};
use crate::{Entry, KeyRef, NearStore};

/// A near tier in which things go wrong: entries are gone ([`Plan::evict`]), and calls hold their
/// thread up ([`Plan::stall`]).
///
/// It does nothing that the contract of [`NearStore`] forbids: it never shows an entry that was
/// replaced or removed.
///
/// ```
/// use cache_core::{Cache, testkit::{Chaos, ChaosNear, MemoryNear, Plan}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let chaos = Chaos::seeded(42);
/// let near = ChaosNear::new(MemoryNear::default(), &chaos);
/// let cache = Cache::builder().near(near).build()?;
///
/// chaos.set(Plan::new().evict(1.0));
/// cache.set("users:7", &1_u32).await?;
/// assert_eq!(cache.get::<u32>("users:7").await?, None);
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ChaosNear<N> {
    store: N,
    chaos: Chaos,
}

impl<N: NearStore> ChaosNear<N> {
    /// `store`, with the faults of `chaos`.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, ChaosNear, MemoryNear};
    /// let near = ChaosNear::new(MemoryNear::default(), &Chaos::seeded(42));
    /// ```
    pub fn new(store: N, chaos: &Chaos) -> Self {
        Self {
            store,
            chaos: chaos.clone(),
        }
    }

    /// Holds the thread up, if this is to happen, and says what else is.
    fn stalled(&self) -> (Roll, Plan) {
        let (mut roll, plan) = (self.chaos.roll(), self.chaos.plan());
        let strikes = self
            .chaos
            .strikes(&mut roll, Fault::Stalled, plan.stall.probability);
        let span = roll.up_to(plan.stall.span);
        if strikes {
            thread::sleep(span);
        }
        (roll, plan)
    }

    fn evicts(&self) -> bool {
        let (mut roll, plan) = self.stalled();
        self.chaos.strikes(&mut roll, Fault::Evicted, plan.evict)
    }
}

impl<N: NearStore> NearStore for ChaosNear<N> {
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        // Not removed: a read is not the writer of its key.
        if !self.evicts() {
            self.store.read(key, seen);
        }
    }

    fn insert(&self, entry: Arc<Entry>) {
        if self.evicts() {
            self.store.remove(entry.key());
        } else {
            self.store.insert(entry);
        }
    }

    fn remove(&self, key: KeyRef<'_>) {
        let _ = self.stalled();
        self.store.remove(key);
    }

    fn clear(&self) {
        let _ = self.stalled();
        self.store.clear();
    }

    fn len(&self) -> u64 {
        self.store.len()
    }

    fn is_empty(&self) -> bool {
        self.store.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::MemoryNear;

    crate::near_conformance!(Ok::<_, crate::Error>(ChaosNear::new(
        MemoryNear::default(),
        &Chaos::seeded(1)
    )));

    #[test]
    fn what_it_loses_is_decided_by_its_seed() {
        let lost = |seed| {
            let chaos = Chaos::seeded(seed);
            chaos.set(Plan::new().evict(0.5));
            let near = ChaosNear::new(MemoryNear::default(), &chaos);
            let keeps = |key: u32| {
                let hour = std::time::Duration::from_secs(3_600);
                let entry = Entry::detached(&key.to_string(), Arc::new(key), hour);
                near.insert(Arc::new(entry));
                near.len()
            };
            (0..100).map(keeps).collect::<Vec<_>>()
        };
        assert_eq!(lost(1), lost(1));
        assert_ne!(lost(1), lost(2));
    }
}
