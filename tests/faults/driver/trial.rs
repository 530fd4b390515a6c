//! One caller at work during a fault, all its calls timed and checked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use larder::Cache;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Answer, Far, Item, NEVER, Outage, Watch, item, rewrite, write};

/// Between two rounds of the caller.
const PACE: Duration = Duration::from_millis(5);
/// Every so many rounds the caller also writes one item, and every so many all items.
const WRITE_EVERY: u64 = 4;
const REWRITE_EVERY: u64 = 64;

/// A caller that works until this is dropped, with two caches as if in two processes.
pub(crate) struct Trial {
    started: Instant,
    caches: [Cache; 2],
    calls: Arc<Mutex<Vec<Call>>>,
    watch: Watch,
    caller: JoinHandle<()>,
}

/// One call of an annotated function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    began: Instant,
    /// How long it took, which is what the cache added: its body takes no time.
    pub(crate) took: Duration,
    /// Whether it returned its own result.
    pub(crate) right: bool,
    /// Whether the breaker was open before and after it.
    pub(crate) open: bool,
}

impl Trial {
    /// Starts to call, and waits until the far tier is used by both processes.
    pub(crate) async fn healthy(far: &Far) -> Self {
        Self::over(far.processes()).await
    }

    /// The same, with processes that are there.
    pub(crate) async fn over(caches: [Cache; 2]) -> Self {
        let trial = Self::of(caches);
        let used = timeout(NEVER, trial.used()).await;
        used.expect("the far tier is used before the fault");
        trial
    }

    /// Starts to call a far tier that is in trouble from the start.
    pub(crate) fn broken(far: &Far) -> Self {
        Self::of(far.processes())
    }

    fn of(caches: [Cache; 2]) -> Self {
        let calls = Arc::default();
        let caller = Caller {
            caches: caches.clone(),
            calls: Arc::clone(&calls),
        };
        Self {
            started: Instant::now(),
            caches,
            calls,
            watch: Watch::start(),
            caller: tokio::spawn(caller.run()),
        }
    }

    /// From now on calls are under a fault.
    pub(crate) fn begin(&self) -> Outage<'_> {
        Outage::new(self, Instant::now(), self.errors())
    }

    /// All calls were under a fault.
    pub(crate) fn began(&self) -> Outage<'_> {
        Outage::new(self, self.started, 0)
    }

    pub(crate) fn caches(&self) -> &[Cache; 2] {
        &self.caches
    }

    /// How often the far tier has failed.
    pub(crate) fn errors(&self) -> u64 {
        let of = |cache: &Cache| cache.stats().total.far_errors;
        self.caches.iter().map(of).sum()
    }

    /// Waits until both processes have had a value of the far tier once more.
    pub(crate) async fn used(&self) {
        for cache in &self.caches {
            let hits = || cache.stats().total.far_hits;
            let before = hits();
            while hits() == before {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// The calls that returned after a moment.
    ///
    /// # Panics
    ///
    /// If one of them did.
    pub(crate) fn calls_since(&self, moment: Instant) -> Vec<Call> {
        assert!(!self.caller.is_finished(), "a call panicked");
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |call: &&Call| call.began + call.took >= moment;
        calls.iter().filter(since).copied().collect()
    }

    /// The longest time that the machine has let a thread wait for a processor.
    pub(crate) fn stall(&self) -> Duration {
        self.watch.stall()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.caller.abort();
    }
}

/// Makes one call after the other.
struct Caller {
    caches: [Cache; 2],
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Caller {
    /// Each round reads an item that nobody has read before, then the same item in the other
    /// process, and again: a miss and, while the far tier answers, two hits there.
    async fn run(self) {
        let [far_only, both] = &self.caches;
        for id in 0.. {
            for cache in [far_only, both, far_only] {
                self.time(cache, id, item(cache, id)).await;
            }
            for cache in [far_only, both] {
                if id % WRITE_EVERY == 0 {
                    self.time(cache, id, write(cache, id)).await;
                }
                if id % REWRITE_EVERY == REWRITE_EVERY - 1 {
                    self.time(cache, id, rewrite(cache, id)).await;
                }
            }
            sleep(PACE).await;
        }
    }

    async fn time(&self, cache: &Cache, id: u64, call: impl Future<Output = Answer>) {
        let was_open = cache.stats().breaker_open;
        let began = Instant::now();
        let answer = timeout(NEVER, call).await;
        let took = began.elapsed();
        let call = Call {
            began,
            took,
            right: answer == Ok(Ok(Item::new(id))),
            open: was_open && cache.stats().breaker_open,
        };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
    }
}
