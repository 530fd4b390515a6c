//! Whatever a call runs on, or ends with: runtimes that are shut down, runtimes that keep no time,
//! threads that end. None of that fails a call or brings an old value back.

use std::time::Duration;

use larder::{Cache, Moka, cached};
use tokio::runtime::{Builder, Runtime};

use crate::world::{Source, near_cache};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[cached(key = "rows:<id>", cache = cache, skip(cache, source))]
async fn read(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await
}

#[cached(key = "rows:<ids>", batch = ids, cache = cache, skip(cache, source))]
async fn read_many(
    cache: &Cache,
    source: &Source,
    ids: &[u64],
) -> std::collections::HashMap<u64, u64> {
    let version = source.load().await;
    ids.iter().map(|id| (*id, version)).collect()
}

/// Two calls of one key, where the second waits for the first.
async fn read_together(cache: &Cache, batch: bool) {
    let source = Source::closed();
    let second = async {
        source.begun().await;
        if batch {
            assert_eq!(read_many(cache, &source, &[7]).await[&7], 1);
        } else {
            assert_eq!(read(cache, &source, 7).await, 1);
        }
    };
    let open = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        source.let_one();
    };
    let (first, (), ()) = tokio::join!(read(cache, &source, 7), second, open);
    assert_eq!((first, source.loads()), (1, 1), "the second waited");
}

#[test]
fn who_waits_on_a_runtime_that_keeps_no_time_gets_the_value() {
    let runtime = Builder::new_current_thread().build().unwrap();
    for batch in [false, true] {
        runtime.block_on(read_together(&near_cache(), batch));
    }
}

#[test]
fn who_would_wait_for_ever_may() {
    for batch in [false, true] {
        let builder = Cache::builder().near(Moka::default());
        let cache = builder.wait(Duration::MAX).build().unwrap();
        runtime().block_on(read_together(&cache, batch));
    }
}

/// What is called when its thread ends.
struct AtTheEnd(Cache, std::sync::mpsc::Sender<u64>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.1.send(answer(&self.0)).unwrap();
    }
}

#[cached(key = "answer", cache = cache, skip(cache))]
fn answer(cache: &Cache) -> u64 {
    42
}

#[test]
fn a_plain_function_may_be_called_as_its_thread_ends() {
    std::thread_local! {
        static LAST: std::cell::RefCell<Option<AtTheEnd>> =
            const { std::cell::RefCell::new(None) };
    }
    let (sender, answers) = std::sync::mpsc::channel();
    let cache = near_cache();
    let there = std::thread::spawn(move || {
        // Before what the cache keeps for this thread, and so dropped after it.
        LAST.set(Some(AtTheEnd(cache.clone(), sender)));
        assert_eq!(answer(&cache), 42);
        cache.stats();
        drop(runtime().block_on(cache.clear()));
    });
    there.join().unwrap();
    assert_eq!(answers.recv(), Ok(42));
}

#[cfg(feature = "testkit")]
mod far {
    use larder::{Clock, invalidate_cache, testkit::MemoryFar};

    use super::*;

    #[invalidate_cache(keys = ["rows:7"], cache = cache)]
    async fn write(cache: Cache, source: Source) {
        source.commit();
        std::future::pending::<()>().await;
    }

    fn cache() -> Cache {
        let far = MemoryFar::new(Clock::system());
        let builder = Cache::builder().far(far).near(Moka::default());
        builder.jitter(0.0).build().unwrap()
    }

    fn is_written_where_it_is_cut_off(first: Runtime, read_in: &Runtime) {
        let (cache, source) = (cache(), Source::open());
        // The feed begins with the first call, and what was loaded before that is not kept.
        read_in.block_on(read(&cache, &source, 1));
        assert_eq!(read_in.block_on(read(&cache, &source, 7)), 1);
        let task = first.spawn(write(cache.clone(), source.clone()));
        first.block_on(async {
            while source.version() == 1 {
                tokio::task::yield_now().await;
            }
        });
        drop(first);
        assert!(task.is_finished());
        assert_eq!(read_in.block_on(read(&cache, &source, 7)), 2);
    }

    #[test]
    fn a_write_that_is_cut_off_by_the_end_of_its_runtime_invalidates_all_the_same() {
        is_written_where_it_is_cut_off(runtime(), &runtime());
        let many = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        is_written_where_it_is_cut_off(many, &runtime());
    }

    #[test]
    fn a_far_tier_on_a_runtime_that_keeps_no_time_fails_no_call() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let (cache, source) = (cache(), Source::open());
        assert_eq!(runtime.block_on(read(&cache, &source, 7)), 1);
        source.commit();
        runtime.block_on(async {
            let _ = cache.remove("rows:7").await;
        });
        assert_eq!(runtime.block_on(read(&cache, &source, 7)), 2);
    }

    #[invalidate_cache(keys = ["rows:7"], cache = cache)]
    fn write_plainly(cache: &Cache) {}

    #[test]
    fn a_plain_write_fails_not_where_the_system_has_no_thread_to_spare() {
        let (cache, source) = (cache(), Source::open());
        // No thread has a stack of this size.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_stack_size(usize::MAX / 4)
            .build()
            .unwrap();
        runtime.block_on(read(&cache, &source, 1));
        assert_eq!(runtime.block_on(read(&cache, &source, 7)), 1);
        source.commit();
        write_plainly(&cache);
        assert_eq!(runtime.block_on(read(&cache, &source, 7)), 2);
    }
}
