//! The near tier on moka: bounded, quick to let go, and as wise as moka alone.

#![cfg(feature = "moka")]

use std::{
    any::Any,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use cache_backends::Moka;
use cache_core::{Entry, ErrorKind, KeyWriter, NearStore};

const HOUR: Duration = Duration::from_secs(3_600);

fn key(n: u64) -> KeyWriter {
    let mut key = KeyWriter::new();
    key.literal("users:");
    key.part(&n);
    key
}

fn entry(n: u64, value: Arc<dyn Any + Send + Sync>, ttl: Duration) -> Arc<Entry> {
    Arc::new(Entry::detached(key(n).as_str(), value, ttl))
}

fn has(store: &Moka, n: u64) -> bool {
    let mut found = false;
    store.read(key(n).key(), &mut |_| found = true);
    found
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "not soon: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ten_thousand_expired_entries_leave_memory_unasked() {
    let store = Moka::default();
    let values: Vec<Weak<dyn Any + Send + Sync>> = (0..10_000)
        .map(|n| {
            let value: Arc<dyn Any + Send + Sync> = Arc::new(n);
            let watch = Arc::downgrade(&value);
            store.insert(entry(n, value, Duration::from_millis(100)));
            watch
        })
        .collect();
    eventually("expired entries leave memory", || {
        values.iter().all(|value| value.strong_count() == 0)
    });
    assert!(store.is_empty());
}

#[test]
fn the_bound_holds_under_a_million_keys_and_no_slot_keeps_what_was_evicted() {
    let store = Moka::new(10_000).expect("room");
    let alive = Arc::new(());
    let count = || Arc::strong_count(&alive) as u64 - 1;
    for n in 0..1_000_000 {
        store.insert(entry(n, Arc::new(alive.clone()), HOUR));
        // moka lets at most a few hundred inserts wait for its decision.
        assert!(count() <= 11_000, "{} alive after {n}", count());
    }
    eventually("the bound is kept", || {
        store.len() <= 10_000 && count() == store.len()
    });
    assert!(count() > 9_000, "{} alive", count());
    store.clear();
    eventually("all is cleared", || count() == 0 && store.is_empty());
}

#[test]
fn a_weight_bounds_what_is_kept() {
    let store = Moka::builder()
        .max_weight(10_000, |key, value| {
            assert!(key.starts_with("users:"));
            value.downcast_ref::<u32>().copied().unwrap_or_default()
        })
        .build()
        .expect("room");
    for n in 0..10_000 {
        store.insert(entry(n, Arc::new(100_u32), HOUR));
    }
    assert_eq!(store.len(), 100);
    store.clear();
    for n in 0..20_000 {
        store.insert(entry(n, Arc::new("weighs nothing, counts as one"), HOUR));
    }
    assert_eq!(store.len(), 10_000);
}

#[test]
fn room_for_nothing_is_a_mistake() {
    for wrong in [
        Moka::new(0),
        Moka::builder().max_weight(0, |_, _| 1).build(),
    ] {
        assert_eq!(wrong.expect_err("no room").kind(), ErrorKind::Config);
    }
}

#[test]
fn a_value_whose_drop_uses_the_cache_does_not_hang_it() {
    struct Leaves(Weak<Moka>, u64);

    impl Drop for Leaves {
        fn drop(&mut self) {
            if let Some(store) = self.0.upgrade() {
                store.remove(key(self.1).key());
                store.remove(key(self.1 + 1).key());
            }
        }
    }

    let store = Arc::new(Moka::new(100).expect("room"));
    let (done, finished) = std::sync::mpsc::channel();
    let worker = store.clone();
    thread::spawn(move || {
        for n in 0..20_000 {
            let n = n % 300;
            worker.insert(entry(n, Arc::new(Leaves(Arc::downgrade(&worker), n)), HOUR));
            worker.remove(key(n / 2).key());
        }
        done.send(())
    });
    finished
        .recv_timeout(Duration::from_secs(60))
        .expect("the worker comes to its end");
}

#[test]
fn a_value_whose_drop_panics_fails_nobody_else() {
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    let store = Moka::new(100).expect("room");
    store.insert(entry(1, Arc::new(Bomb), HOUR));
    store.insert(entry(1, Arc::new(1), HOUR));
    store.insert(entry(2, Arc::new(Bomb), Duration::from_millis(10)));
    eventually("the janitor survives the first", || store.len() == 1);
    let value = Arc::new(());
    store.insert(entry(3, value.clone(), Duration::from_millis(10)));
    eventually("and goes on", || Arc::strong_count(&value) == 1);
}

#[test]
fn a_hit_allocates_nothing() {
    let store = Moka::default();
    for n in 0..1_000 {
        store.insert(entry(n, Arc::new(n), HOUR));
    }
    let read_all = || (0..1_000).filter(|&n| has(&store, n)).count();
    assert_eq!(read_all(), 1_000);
    let mut hits = 0;
    let counted = allocation_counter::measure(|| hits = read_all());
    assert_eq!((hits, counted.count_total), (1_000, 0));
}

/// Not one in a hundred hits is lost because moka hears only of a sample.
#[test]
fn moka_knows_what_is_popular_although_it_does_not_see_every_hit() {
    for keys in [1_500, 10_000] {
        let ours = Moka::new(1_000).expect("room");
        let plain = moka::sync::Cache::<u64, u64>::new(1_000);
        let (mut our_hits, mut plain_hits) = (0_i32, 0_i32);
        let requests = 300_000;
        for n in zipf(keys).take(requests) {
            if has(&ours, n) {
                our_hits += 1;
            } else {
                ours.insert(entry(n, Arc::new(n), HOUR));
            }
            if plain.get(&n).is_some() {
                plain_hits += 1;
            } else {
                plain.insert(n, n);
            }
        }
        let lost = f64::from(plain_hits - our_hits) / f64::from(plain_hits);
        assert!(
            lost < 0.01,
            "{our_hits} hits instead of {plain_hits} over {keys} keys"
        );
    }
}

/// Requests by Zipf's law with exponent 1, from a fixed seed.
fn zipf(keys: u32) -> impl Iterator<Item = u64> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect();
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let draw = f64::from(u32::try_from(state >> 32).expect("32 bits")) / f64::from(u32::MAX);
        sums.partition_point(|&below| below < draw * sum) as u64
    })
}
