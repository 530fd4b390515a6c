//! A near tier without a cache crate: the contract of [`NearStore`] in a map, for tests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak},
    thread,
    time::Duration,
};

use smol_str::SmolStr;

use crate::{Clock, Entry, KeyRef, NearStore};

/// The most entries it keeps; the oldest goes first.
const MOST: usize = 1_000;
/// How often expired entries are looked for.
const SWEEP: Duration = Duration::from_millis(250);

/// A near tier for tests: at most 1,000 entries, the oldest leaves first, and nothing is decided
/// by chance. All calls take one lock. Clones share one store.
///
/// ```
/// use cache_core::{Cache, testkit::MemoryNear};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let near = MemoryNear::default();
/// let cache = Cache::builder().near(near.clone()).build()?;
/// cache.set("users:7", &"ada".to_owned()).await?;
/// assert_eq!(near.list(), ["users:7"]);
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MemoryNear(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    rows: Mutex<Rows>,
    /// Whether somebody looks for expired entries.
    swept: Once,
}

#[derive(Debug, Default)]
struct Rows {
    entries: HashMap<SmolStr, (u64, Arc<Entry>)>,
    /// Which key was written when.
    order: BTreeMap<u64, SmolStr>,
    next: u64,
}

impl Default for MemoryNear {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl MemoryNear {
    /// An empty store from which entries leave by `clock`.
    ///
    /// ```
    /// # use cache_core::{Clock, testkit::MemoryNear};
    /// let near = MemoryNear::new(Clock::manual());
    /// assert!(near.list().is_empty());
    /// ```
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            rows: Mutex::default(),
            swept: Once::new(),
        }))
    }

    /// The keys it holds, the oldest first.
    ///
    /// ```
    /// # use cache_core::testkit::MemoryNear;
    /// assert!(MemoryNear::default().list().is_empty());
    /// ```
    pub fn list(&self) -> Vec<String> {
        let rows = self.0.lock();
        rows.order.values().map(ToString::to_string).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sweep(&self) {
        let now = self.clock.now();
        let mut rows = self.lock();
        let expired = rows.entries.values();
        let expired = expired.filter(|(_, entry)| entry.expired(now));
        let gone: Vec<_> = expired.map(|(_, entry)| entry.key_text()).collect();
        let gone: Vec<_> = gone.iter().map(|key| rows.take(key)).collect();
        drop(rows);
        // Values are dropped outside of the lock: they are the user's.
        drop(gone);
    }
}

impl Rows {
    fn take(&mut self, key: &str) -> Option<Arc<Entry>> {
        let (written, entry) = self.entries.remove(key)?;
        self.order.remove(&written);
        Some(entry)
    }
}

impl NearStore for MemoryNear {
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        let there = self.0.lock().entries.get(key.text).cloned();
        if let Some((_, entry)) = there {
            seen(&entry);
        }
    }

    fn insert(&self, entry: Arc<Entry>) {
        let watched = Arc::downgrade(&self.0);
        self.0.swept.call_once(|| {
            thread::spawn(move || sweep_while_there(&watched));
        });
        let key = entry.key_text();
        let mut rows = self.0.lock();
        let old = rows.take(&key);
        rows.next += 1;
        let written = rows.next;
        rows.order.insert(written, key.clone());
        rows.entries.insert(key, (written, entry));
        let oldest = rows.order.first_key_value().map(|(_, key)| key.clone());
        let most = rows.entries.len() > MOST;
        let evicted = oldest.filter(|_| most).and_then(|key| rows.take(&key));
        drop(rows);
        drop((old, evicted));
    }

    fn remove(&self, key: KeyRef<'_>) {
        let gone = self.0.lock().take(key.text);
        drop(gone);
    }

    fn clear(&self) {
        let rows = {
            let mut rows = self.0.lock();
            let next = rows.next;
            std::mem::replace(
                &mut *rows,
                Rows {
                    next,
                    ..Rows::default()
                },
            )
        };
        drop(rows);
    }

    fn len(&self) -> u64 {
        self.0.lock().entries.len() as u64
    }
}

fn sweep_while_there(store: &Weak<Shared>) {
    loop {
        thread::sleep(SWEEP);
        match store.upgrade() {
            Some(store) => store.sweep(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::near_conformance!(Ok::<_, crate::Error>(MemoryNear::default()));

    #[test]
    fn the_oldest_leaves_first() {
        let near = MemoryNear::default();
        for key in 0..=MOST {
            let value = Arc::new(key);
            let entry = Entry::detached(&key.to_string(), value, Duration::from_secs(60));
            near.insert(Arc::new(entry));
        }
        assert_eq!(near.len(), MOST as u64);
        assert_eq!(near.list()[0], "1", "the first is gone");
    }
}
