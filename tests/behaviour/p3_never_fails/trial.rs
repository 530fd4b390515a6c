//! One caller at work during a fault, all its calls timed and checked.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use larder::Cache;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    outage::Outage,
    rows::{Answer, Row, processes, rewrite, row, write},
};

/// Between two rounds of the caller.
const PACE: Duration = Duration::from_millis(5);
/// Every so many rounds the caller also writes one row, and every so many all rows.
const WRITE_EVERY: u64 = 4;
const REWRITE_EVERY: u64 = 64;
/// What takes this long counts as never.
pub(crate) const NEVER: Duration = Duration::from_secs(10);

/// A caller that works until the end of the test, with two caches as if in two processes.
pub(crate) struct Trial {
    started: Instant,
    caches: [Cache; 2],
    shared: Arc<Shared>,
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

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    calls: Mutex<Vec<Call>>,
    stall: Mutex<Duration>,
}

impl Trial {
    /// Starts to call, and waits until the far tier is used by both processes.
    pub(crate) async fn healthy(url: &str) -> Self {
        Self::over([url, url]).await
    }

    /// The same, with a line of its own for each process.
    pub(crate) async fn over([far_only, both]: [&str; 2]) -> Self {
        let trial = Self::of(processes(far_only, both));
        let used = timeout(NEVER, trial.used()).await;
        used.expect("the far tier is used before the fault");
        trial
    }

    /// Starts to call a far tier that is in trouble from the start.
    pub(crate) fn broken(url: &str) -> Self {
        Self::of(processes(url, url))
    }

    fn of(caches: [Cache; 2]) -> Self {
        let shared = Arc::<Shared>::default();
        let watched = shared.clone();
        thread::spawn(move || watched.watch());
        let caller = Caller {
            caches: caches.clone(),
            shared: shared.clone(),
        };
        Self {
            started: Instant::now(),
            caches,
            shared,
            caller: tokio::spawn(caller.run()),
        }
    }

    /// From now on calls are under a fault.
    pub(crate) fn begin(&self, fault: &'static str) -> Outage<'_> {
        Outage::new(self, fault, Instant::now(), self.errors())
    }

    /// All calls were under a fault.
    pub(crate) fn began(&self, fault: &'static str) -> Outage<'_> {
        Outage::new(self, fault, self.started, 0)
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
        let mut calls = lock(&self.shared.calls).clone();
        calls.retain(|call| call.began + call.took >= moment);
        calls
    }

    /// The longest time that the machine has let a thread wait for a processor.
    pub(crate) fn stall(&self) -> Duration {
        *lock(&self.shared.stall)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.caller.abort();
    }
}

impl Shared {
    /// Sleeps for moments and notes how late it wakes: what the machine does to everybody.
    fn watch(&self) {
        let moment = Duration::from_millis(2);
        while !self.over.load(Ordering::Relaxed) {
            let began = Instant::now();
            thread::sleep(moment);
            let late = began.elapsed().saturating_sub(moment);
            let mut stall = lock(&self.stall);
            *stall = late.max(*stall);
        }
    }
}

/// Makes one call after the other.
struct Caller {
    caches: [Cache; 2],
    shared: Arc<Shared>,
}

impl Caller {
    /// Each round reads a row that nobody has read before, then the same row in the other
    /// process, and again: a miss and, while the far tier answers, two hits there.
    async fn run(self) {
        let [far_only, both] = &self.caches;
        for id in 0.. {
            for cache in [far_only, both, far_only] {
                self.time(cache, id, row(cache, id)).await;
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
            right: answer == Ok(Ok(Row::new(id))),
            open: was_open && cache.stats().breaker_open,
        };
        lock(&self.shared.calls).push(call);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
