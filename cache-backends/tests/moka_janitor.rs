//! The thread that drives out expired entries lives no longer than the stores. A binary of its
//! own, because it looks at all threads of the process.

#![cfg(all(feature = "moka", target_os = "linux"))]

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use cache_backends::Moka;
use cache_core::{Entry, NearStore};

fn janitors() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("the threads of this process")
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.trim() == "larder-janitor")
        .count()
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
fn there_is_one_janitor_while_there_are_stores() {
    assert_eq!(janitors(), 0);
    for _ in 0..3 {
        let empty = Moka::default();
        let stores: Vec<Moka> = (0..10).map(|_| Moka::default()).collect();
        let value = Arc::new(());
        // It may sleep by now, and has to be woken.
        eventually("it starts", || janitors() == 1);
        for store in &stores {
            let entry = Entry::detached("a", value.clone(), Duration::from_millis(10));
            store.insert(Arc::new(entry));
        }
        eventually("expired entries leave", || Arc::strong_count(&value) == 1);
        assert_eq!(janitors(), 1);
        drop(stores);
        assert_eq!(janitors(), 1, "one store is left");
        drop(empty);
        eventually("it ends", || janitors() == 0);
    }
}
