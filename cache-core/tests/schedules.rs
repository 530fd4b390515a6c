//! P1 and P2 in this process, over explored schedules: readers that load, and writers that
//! commit and then invalidate by key, prefix, tag, clear or `set`, interleaved at every lock and
//! atomic of flights and the fence.
//!
//! Run with `RUSTFLAGS="--cfg shuttle" cargo test -p cache-core --test schedules`.
#![cfg(shuttle)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use cache_core::{
    __private::{self, KeyWriter, Put, Site, Writer},
    Cache, Entry, KeyRef, NearStore, SetOptions,
};
use shuttle::{
    Runner,
    future::{block_on, yield_now},
    scheduler::{PctScheduler, RandomScheduler},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

const KEY: &str = "users:1";
const TAG: &str = "team:1";

/// The simplest near tier: a map. Its lock is never held while the caller is called, because the
/// explorer may switch there.
#[derive(Debug, Default)]
struct Map(Mutex<HashMap<String, Arc<Entry>>>);

impl NearStore for Map {
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        let entry = self.0.lock().unwrap().get(key.text).cloned();
        if let Some(entry) = entry {
            seen(&entry);
        }
    }
    fn insert(&self, entry: Arc<Entry>) {
        let key = entry.key().text.to_owned();
        self.0.lock().unwrap().insert(key, entry);
    }
    fn remove(&self, key: KeyRef<'_>) {
        self.0.lock().unwrap().remove(key.text);
    }
    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
    fn len(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }
}

/// One row of a database, and what readers may expect of it.
#[derive(Default)]
struct World {
    /// The committed version.
    row: AtomicU64,
    /// The newest version whose invalidation has returned.
    floor: AtomicU64,
    loads: AtomicU64,
}

fn cache() -> Cache {
    Cache::builder().near(Map::default()).build().unwrap()
}

async fn read(cache: &Cache, world: &World) -> u64 {
    let options = SetOptions::new().tag(TAG);
    let value = cache
        .get_or_load_with(KEY, options, || async {
            world.loads.fetch_add(1, Ordering::SeqCst);
            let row = world.row.load(Ordering::SeqCst);
            yield_now().await;
            Ok::<u64, String>(row)
        })
        .await;
    value.unwrap()
}

/// A read that begins after an invalidation returned is not older than it.
fn read_and_check(cache: &Cache, world: &World) {
    let floor = world.floor.load(Ordering::SeqCst);
    let version = block_on(read(cache, world));
    assert!(
        version >= floor,
        "read {version} after {floor} was announced"
    );
}

#[derive(Debug, Clone, Copy)]
enum How {
    Key,
    Prefix,
    Tag,
    Clear,
    Set,
    Put,
}

/// An expanded `#[cache_put]`: its key is known before the commit.
fn put(cache: &Cache, world: &World) {
    static SITE: Site = Site::new("put", "users:<id>");
    let put = Put::new(&SITE, cache, Writer::one_more());
    let put = put.key(|key| key.literal(KEY));
    let put = put.tags(|tags| tags.add(|key| key.literal(TAG)));
    let version = world.row.fetch_add(1, Ordering::SeqCst) + 1;
    block_on(async {
        yield_now().await;
        let shape = cache_core::__shape!(u64);
        let put = put.value(shape, &version);
        put.run(cache_core::__table!(shape)).await;
    });
    world.floor.fetch_max(version, Ordering::SeqCst);
}

fn write(cache: &Cache, world: &World, how: How) {
    if let How::Put = how {
        return put(cache, world);
    }
    let version = world.row.fetch_add(1, Ordering::SeqCst) + 1;
    block_on(async {
        match how {
            How::Key => cache.remove(KEY).await,
            How::Prefix => cache.remove_prefix("users").await,
            How::Tag => cache.remove_tag(TAG).await,
            How::Clear => cache.clear().await,
            How::Set => {
                cache
                    .set_with(KEY, &version, SetOptions::new().tag(TAG))
                    .await
            }
            How::Put => unreachable!("it begins before it commits"),
        }
    })
    .unwrap();
    world.floor.fetch_max(version, Ordering::SeqCst);
}

fn explore(schedules: usize, ways: &'static [How]) {
    let scenario = move || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let mut threads = Vec::new();
        for _ in 0..2 {
            let (cache, world) = (cache.clone(), world.clone());
            threads.push(thread::spawn(move || {
                read_and_check(&cache, &world);
                read_and_check(&cache, &world);
            }));
        }
        for how in ways {
            let (cache, world) = (cache.clone(), world.clone());
            threads.push(thread::spawn(move || write(&cache, &world, *how)));
        }
        for thread in threads {
            thread.join().unwrap();
        }
        read_and_check(&cache, &world);
        assert_eq!(cache.stats().flights, 0, "a flight was left in the table");
    };
    check(schedules, scenario);
}

/// Runs a scenario under random schedules, and under those with few but awkward switches.
fn check(schedules: usize, scenario: impl Fn() + Copy + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    config.stack_size = 1 << 20;
    Runner::new(RandomScheduler::new(schedules), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(3, schedules), config).run(scenario);
}

#[test]
fn no_value_survives_the_invalidation_of_its_key() {
    explore(2_000, &[How::Key]);
}

#[test]
fn no_value_survives_the_invalidation_of_its_prefix() {
    explore(2_000, &[How::Prefix]);
}

#[test]
fn no_value_survives_the_invalidation_of_its_tag() {
    explore(2_000, &[How::Tag]);
}

#[test]
fn no_value_survives_a_clear() {
    explore(2_000, &[How::Clear]);
}

#[test]
fn no_load_overwrites_a_set() {
    // One writer: two concurrent `set`s of one key may end in either order.
    explore(2_000, &[How::Set]);
}

#[test]
fn invalidations_of_different_kinds_do_not_undo_each_other() {
    explore(1_000, &[How::Key, How::Prefix]);
    explore(1_000, &[How::Tag, How::Clear]);
    // Not `set` beside another writer: a value that is set after a younger one was committed is
    // stale by the writer's own doing.
}

#[test]
fn no_put_outlives_a_younger_write() {
    explore(1_000, &[How::Put]);
    explore(1_000, &[How::Put, How::Put]);
    explore(500, &[How::Put, How::Key]);
    explore(500, &[How::Put, How::Prefix]);
    explore(500, &[How::Put, How::Tag]);
    explore(500, &[How::Put, How::Clear]);
}

#[test]
fn callers_of_one_cold_key_load_once() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || block_on(read(&cache, &world)))
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 0);
        }
        assert_eq!(world.loads.load(Ordering::SeqCst), 1);
    };
    check(2_000, scenario);
}

#[test]
fn a_dropped_leader_leaves_nobody_waiting() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let dropped = {
            let (cache, world) = (cache.clone(), world.clone());
            thread::spawn(move || {
                block_on(async {
                    // Polled once, which begins the load, then dropped.
                    let mut call = Box::pin(read(&cache, &world));
                    std::future::poll_fn(|context| {
                        let _ = call.as_mut().poll(context);
                        std::task::Poll::Ready(())
                    })
                    .await;
                });
            })
        };
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || block_on(read(&cache, &world)))
            })
            .collect();
        dropped.join().unwrap();
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), 0);
        }
        assert!(world.loads.load(Ordering::SeqCst) <= 2);
        assert_eq!(cache.stats().flights, 0);
    };
    check(2_000, scenario);
}

/// What an expanded `#[cached] fn` does, with a load that may fail by an error or a panic.
fn read_plainly(cache: &Cache, world: &World, fails: Fails) -> Result<u64, String> {
    static SITE: Site = Site::new("schedules::read_plainly", KEY);
    let shape = __private::shape!(Result<u64, String>);
    let mut key = KeyWriter::new();
    key.literal(KEY);
    let missed = match __private::near(&SITE, cache, &key, shape) {
        Ok(hit) => return hit,
        Err(missed) => missed.tags(|tags| tags.add(|tag| tag.literal(TAG))),
    };
    missed.block(shape, || {
        let load = world.loads.fetch_add(1, Ordering::SeqCst);
        let row = world.row.load(Ordering::SeqCst);
        thread::yield_now();
        match fails {
            Fails::Never => Ok(row),
            Fails::Always => Err(format!("load {load}")),
            Fails::ByOnePanic if load == 0 => {
                std::panic::resume_unwind(Box::new("without a message"))
            }
            Fails::ByOnePanic => Ok(row),
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fails {
    Never,
    Always,
    ByOnePanic,
}

#[test]
fn no_value_survives_the_invalidation_of_its_key_while_threads_wait() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let check = |cache: &Cache, world: &World| {
            let floor = world.floor.load(Ordering::SeqCst);
            let version = read_plainly(cache, world, Fails::Never).unwrap();
            assert!(version >= floor, "read {version} after {floor}");
        };
        let mut threads = Vec::new();
        for _ in 0..2 {
            let (cache, world) = (cache.clone(), world.clone());
            threads.push(thread::spawn(move || {
                check(&cache, &world);
                check(&cache, &world);
            }));
        }
        for how in [How::Key, How::Tag] {
            let (cache, world) = (cache.clone(), world.clone());
            threads.push(thread::spawn(move || write(&cache, &world, how)));
        }
        for thread in threads {
            thread.join().unwrap();
        }
        check(&cache, &world);
        assert_eq!(cache.stats().flights, 0, "a flight was left in the table");
    };
    check(2_000, scenario);
}

#[test]
fn threads_and_tasks_of_one_cold_key_load_once() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let threads: Vec<_> = (0..3)
            .map(|at| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || match at {
                    0 => block_on(read(&cache, &world)),
                    _ => read_plainly(&cache, &world, Fails::Never).unwrap(),
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 0);
        }
        assert_eq!(world.loads.load(Ordering::SeqCst), 1);
        assert_eq!(cache.stats().flights, 0);
    };
    check(2_000, scenario);
}

#[test]
fn threads_that_wait_for_a_load_that_fails_get_its_error_or_make_their_own() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || read_plainly(&cache, &world, Fails::Always))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap_err();
        }
        let stats = cache.stats();
        let loads = world.loads.load(Ordering::SeqCst);
        assert_eq!(loads + stats.total.coalesced, 3);
        assert_eq!(stats.flights, 0);
    };
    check(2_000, scenario);
}

#[test]
fn a_dropped_task_leaves_no_thread_waiting() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let dropped = {
            let (cache, world) = (cache.clone(), world.clone());
            thread::spawn(move || {
                block_on(async {
                    let mut call = Box::pin(read(&cache, &world));
                    std::future::poll_fn(|context| {
                        let _ = call.as_mut().poll(context);
                        std::task::Poll::Ready(())
                    })
                    .await;
                });
            })
        };
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || read_plainly(&cache, &world, Fails::Never))
            })
            .collect();
        dropped.join().unwrap();
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), Ok(0));
        }
        assert!(world.loads.load(Ordering::SeqCst) <= 2);
        assert_eq!(cache.stats().flights, 0);
    };
    check(2_000, scenario);
}

#[test]
fn a_load_that_panics_on_its_thread_leaves_no_thread_waiting() {
    let scenario = || {
        let (cache, world) = (cache(), Arc::new(World::default()));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (cache, world) = (cache.clone(), world.clone());
                thread::spawn(move || {
                    // Caught here, because the explorer takes a thread's panic for its own failure.
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        read_plainly(&cache, &world, Fails::ByOnePanic)
                    }))
                })
            })
            .collect();
        let ended: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(ended.iter().filter(|ended| ended.is_err()).count(), 1);
        assert_eq!(world.loads.load(Ordering::SeqCst), 2);
        assert_eq!(cache.stats().flights, 0);
    };
    check(2_000, scenario);
}
