//! The directory keeps the contract, and swaps in one step.

use std::{fs, path::PathBuf, sync::Barrier, thread, time::Duration};

use super::*;

/// A directory that is gone when the test is over.
struct Room {
    directory: Directory,
    path: PathBuf,
}

impl Room {
    fn open() -> Self {
        let name = format!("larder-own-backend-{}", directory::fresh());
        let path = std::env::temp_dir().join(name);
        let directory = Directory::open(&path).expect("a directory of one's own");
        Self { directory, path }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What stays behind is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

larder::testkit::conformance!(Room::open(), |room| &room.directory);

#[test]
fn of_many_threads_that_swap_what_they_saw_one_does() {
    const THREADS: u8 = 4;
    let room = Room::open();
    let (directory, ttl) = (&room.directory, Duration::from_secs(60));
    for round in 0..100 {
        // A third of the rounds begins with a name that is not there.
        if round % 3 == 0 {
            directory.remove("name").expect("is removed");
        }
        let barrier = Barrier::new(THREADS.into());
        let swap = |thread: u8| {
            let seen = directory.get("name").expect("is looked at");
            barrier.wait();
            let swapped = directory.swap("name", &seen, &[thread], ttl);
            swapped.expect("is tried").then_some(thread)
        };
        let won: Vec<u8> = thread::scope(|scope| {
            let swap = &swap;
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || swap(thread)))
                .collect();
            let results = threads.into_iter().map(thread::ScopedJoinHandle::join);
            results.filter_map(|won| won.expect("no panic")).collect()
        });
        assert_eq!(won.len(), 1, "{won:?}");
        let stands = directory.get("name").expect("is looked at").bytes;
        assert_eq!(stands.as_deref(), Some(&won[..]));
    }
}

#[tokio::test]
async fn two_processes_share_what_one_has_loaded() {
    make_known().unwrap();
    let room = Room::open();
    let settings = Settings::new([("CACHE_TYPE", "directory"), ("CACHE_MAX_ENTRIES", "0")])
        .with("CACHE_DIRECTORY", room.path.to_string_lossy());
    let cache = || Cache::from_settings(&settings).unwrap();
    assert_eq!(square(&cache(), 7).await, 49);
    let other = cache();
    assert_eq!(square(&other, 7).await, 49);
    assert_eq!(other.stats().total.far_hits, 1);
}
