//! The contract of [`NearStore`], rule by rule.
//!
//! [`near_conformance!`](crate::near_conformance) makes one test of each rule. A rule panics
//! when it is broken.

#![allow(
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    reason = "every rule panics when it is broken, and owns the store that it tests"
)]

use std::{
    any::Any,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    entry::Entry,
    key,
    near::{KeyRef, NearStore},
};

/// The largest bound that a store under test may have, in entries.
pub const LARGEST: u64 = 1_000;

/// How long to wait for what should happen "within a few seconds", and for what should not
/// block at all.
const PATIENCE: Duration = Duration::from_secs(10);

const LONG: Duration = Duration::from_secs(3_600);

/// Makes one test of each rule of [`NearStore`]'s contract.
///
/// `$store` is evaluated anew for each test: a [`Result`](crate::Result) with a store that holds
/// between 100 and 1,000 entries.
///
/// ```text
/// cache_core::near_conformance!(Moka::new(100));
/// ```
#[macro_export]
macro_rules! near_conformance {
    ($store:expr) => {
        $crate::near_conformance! { @rules $store;
            what_was_inserted_is_read
            an_absence_is_remembered
            what_is_not_there_is_not_seen
            a_second_insert_replaces_the_first
            what_was_removed_is_not_seen
            keys_of_equal_hash_are_told_apart
            what_was_cleared_is_not_seen
            no_read_sees_an_older_entry_than_the_last_write_left
            a_reader_blocks_no_writer
            the_bound_holds
            what_was_removed_leaves_memory
            what_was_replaced_leaves_memory
            what_was_cleared_leaves_memory
            what_has_expired_leaves_memory_unasked
            a_store_that_is_dropped_leaves_memory
        }
    };
    (@rules $store:expr; $($rule:ident)*) => {$(
        #[test]
        fn $rule() {
            let store = $store.expect("a store to test");
            $crate::testkit::near::$rule(::std::sync::Arc::new(store));
        }
    )*};
}

/// An inserted entry is seen, once, with its own key and value, by every read.
pub fn what_was_inserted_is_read(store: Arc<dyn NearStore>) {
    for n in 0..50 {
        put(&*store, &name(n), n);
    }
    for n in (0..50).chain(0..50) {
        let mut times = 0;
        store.read(at(&name(n)), &mut |entry| {
            times += 1;
            assert_eq!(entry.key(), at(&name(n)));
            assert_eq!(number(entry), n);
        });
        assert_eq!(times, 1);
    }
    assert_eq!(store.len(), 50);
    assert!(!store.is_empty());
}

/// An entry without a value is an entry.
pub fn an_absence_is_remembered(store: Arc<dyn NearStore>) {
    let mut entry = Entry::detached("a", Arc::new(()), LONG);
    entry.value = None;
    store.insert(Arc::new(entry));
    let mut absent = false;
    store.read(at("a"), &mut |entry| absent = entry.value().is_none());
    assert!(absent);
}

/// A read of a key without an entry calls nobody, and removing it succeeds.
pub fn what_is_not_there_is_not_seen(store: Arc<dyn NearStore>) {
    store.remove(at("a"));
    assert_eq!(get(&*store, "a"), None);
    put(&*store, "a", 1);
    store.remove(at("b"));
    assert_eq!(get(&*store, "b"), None);
    assert_eq!(get(&*store, "a"), Some(1));
}

/// A second `insert` of a key replaces the entry.
pub fn a_second_insert_replaces_the_first(store: Arc<dyn NearStore>) {
    for n in 0..100 {
        put(&*store, "a", n);
        assert_eq!(get(&*store, "a"), Some(n));
    }
    assert_eq!(store.len(), 1);
}

/// A removed entry is gone, also if it is read often, and can be inserted again.
pub fn what_was_removed_is_not_seen(store: Arc<dyn NearStore>) {
    for n in 0..100 {
        put(&*store, "a", n);
        assert_eq!(get(&*store, "a"), Some(n));
        store.remove(at("a"));
        for _ in 0..100 {
            assert_eq!(get(&*store, "a"), None);
        }
    }
    assert!(store.is_empty());
}

/// The text of a key decides, its hash only helps.
pub fn keys_of_equal_hash_are_told_apart(store: Arc<dyn NearStore>) {
    let collide = |text| KeyRef { text, hash: 7 };
    let texts: Vec<String> = (0..20).map(name).collect();
    let read = |text| {
        let mut seen = None;
        store.read(collide(text), &mut |entry| seen = Some(number(entry)));
        seen
    };
    for (n, text) in (0_u64..).zip(&texts) {
        assert_eq!(read(text), None);
        let mut entry = Entry::detached(text, Arc::new(n), LONG);
        entry.hash = 7;
        store.insert(Arc::new(entry));
    }
    for (n, text) in (0_u64..).zip(&texts) {
        assert_eq!(read(text), Some(n));
        store.remove(collide(text));
        assert_eq!(read(text), None);
    }
}

/// `clear` removes all that was inserted before, and nothing that is inserted after.
pub fn what_was_cleared_is_not_seen(store: Arc<dyn NearStore>) {
    for round in 0..100 {
        for n in 0..20 {
            put(&*store, &name(n), round);
        }
        store.clear();
        for n in 0..20 {
            assert_eq!(get(&*store, &name(n)), None);
        }
    }
    put(&*store, "a", 1);
    assert_eq!(get(&*store, "a"), Some(1));
}

/// Once `insert` or `remove` has returned, no read that begins later sees an older entry, while
/// other keys come and go and entries are evicted.
pub fn no_read_sees_an_older_entry_than_the_last_write_left(store: Arc<dyn NearStore>) {
    const KEYS: u64 = 4;
    const WRITES: u64 = 20_000;
    let oldest: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let done = AtomicBool::new(false);
    let hits = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                put(&*store, &format!("other:{}", n % 5_000), n);
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = name(n % KEYS);
                    let oldest = oldest[index(n % KEYS)].load(Ordering::Acquire);
                    if let Some(found) = get(&*store, &key) {
                        hits.fetch_add(1, Ordering::Relaxed);
                        assert!(found >= oldest, "saw write {found} after {oldest} of {key}");
                    }
                }
            });
        }
        scope.spawn(|| {
            let _done = Raise(&done);
            for n in 1..=WRITES {
                let key = name(n % KEYS);
                let oldest = &oldest[index(n % KEYS)];
                put(&*store, &key, n);
                oldest.store(n, Ordering::Release);
                if n % 3 == 0 {
                    store.remove(at(&key));
                    oldest.store(n + 1, Ordering::Release);
                }
            }
        });
    });
    assert!(hits.into_inner() > 0, "the readers saw nothing");
}

/// Whoever stays inside a read keeps no writer waiting, not even one of the same key.
pub fn a_reader_blocks_no_writer(store: Arc<dyn NearStore>) {
    put(&*store, "a", 1);
    store.clone().read(at("a"), &mut |entry| {
        let (done, finished) = mpsc::channel();
        let writer = store.clone();
        thread::spawn(move || {
            for n in 0..1_000 {
                put(&*writer, &name(n), n);
                writer.remove(at(&name(n)));
            }
            put(&*writer, "a", 2);
            writer.remove(at("a"));
            writer.clear();
            done.send(())
        });
        let waited = finished.recv_timeout(PATIENCE);
        assert!(waited.is_ok(), "writers wait for a reader");
        assert_eq!(number(entry), 1, "what is being read stays as it is");
    });
    assert_eq!(get(&*store, "a"), None);
}

/// Whatever is inserted, at most so many entries are kept.
pub fn the_bound_holds(store: Arc<dyn NearStore>) {
    let alive = Arc::new(());
    let count = || Arc::strong_count(&alive) as u64 - 1;
    for n in 0..100_000 {
        store.insert(Arc::new(Entry::detached(
            &name(n),
            Arc::new(alive.clone()),
            LONG,
        )));
        let some = n % 7;
        store.read(at(&name(n - some)), &mut |_| ());
        assert!(count() <= 5 * LARGEST, "{} entries alive", count());
    }
    eventually("the store keeps its bound", || {
        store.len() <= LARGEST && count() <= LARGEST
    });
    assert!(count() > 0);
}

/// A removed entry is freed without further calls.
pub fn what_was_removed_leaves_memory(store: Arc<dyn NearStore>) {
    let values = watched(&*store, 100, LONG);
    for n in 0..100 {
        store.remove(at(&name(n)));
    }
    eventually("removed entries leave memory", || gone(&values));
}

/// A replaced entry is freed without further calls.
pub fn what_was_replaced_leaves_memory(store: Arc<dyn NearStore>) {
    let values = watched(&*store, 100, LONG);
    for n in 0..100 {
        put(&*store, &name(n), n);
    }
    eventually("replaced entries leave memory", || gone(&values));
}

/// Cleared entries are freed without further calls.
pub fn what_was_cleared_leaves_memory(store: Arc<dyn NearStore>) {
    let values = watched(&*store, 100, LONG);
    store.clear();
    eventually("cleared entries leave memory", || gone(&values));
}

/// An expired entry is freed without further calls, also if the one before it was to live
/// longer.
pub fn what_has_expired_leaves_memory_unasked(store: Arc<dyn NearStore>) {
    watched(&*store, 50, LONG);
    let values = watched(&*store, 100, Duration::from_millis(50));
    eventually("expired entries leave memory", || gone(&values));
    assert!(store.is_empty());
}

/// Nothing outlives the store.
pub fn a_store_that_is_dropped_leaves_memory(store: Arc<dyn NearStore>) {
    let values = watched(&*store, 100, LONG);
    drop(store);
    eventually("the entries of a dropped store leave memory", || {
        gone(&values)
    });
}

/// Sets a flag when dropped, also by a panic.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn name(n: u64) -> String {
    format!("key:{n}")
}

fn index(n: u64) -> usize {
    usize::try_from(n).expect("a small number")
}

fn at(text: &str) -> KeyRef<'_> {
    KeyRef {
        text,
        hash: key::hash(text),
    }
}

fn put(store: &dyn NearStore, key: &str, value: u64) {
    store.insert(Arc::new(Entry::detached(key, Arc::new(value), LONG)));
}

fn get(store: &dyn NearStore, key: &str) -> Option<u64> {
    let mut found = None;
    store.read(at(key), &mut |entry| found = Some(number(entry)));
    found
}

fn number(entry: &Entry) -> u64 {
    let value = entry.value().expect("a value");
    *value.downcast_ref().expect("a number")
}

/// Inserts entries and keeps watch over their values.
fn watched(store: &dyn NearStore, many: u64, ttl: Duration) -> Vec<Weak<dyn Any + Send + Sync>> {
    let insert = |n| {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(n);
        let watch = Arc::downgrade(&value);
        store.insert(Arc::new(Entry::detached(&name(n), value, ttl)));
        watch
    };
    (0..many).map(insert).collect()
}

fn gone(values: &[Weak<dyn Any + Send + Sync>]) -> bool {
    values.iter().all(|value| value.strong_count() == 0)
}

/// Waits until `holds`.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
