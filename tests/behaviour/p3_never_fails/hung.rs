//! A far tier that hangs at one step of a call, under a clock that shows to the millisecond what
//! that costs.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use larder::{
    Backend, Cache, Clock, Invalidate, Moka, Prepare, Prepared, Result, Write, cached,
    policy::DEFAULT_OUTAGE_BUDGET,
};
use tokio::time::{Instant, sleep};

use super::rows::{rewrite, row, write};

/// An empty store whose steps take so long.
#[derive(Debug, Clone, Copy, Default)]
struct Slow {
    read: Duration,
    prepare: Duration,
    store: Duration,
    invalidate: Duration,
}

impl Slow {
    fn even(every: Duration) -> Self {
        Self {
            read: every,
            prepare: every,
            store: every,
            invalidate: every,
        }
    }
}

impl Backend for Slow {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        sleep(self.read).await;
        Ok(vec![None; names.len()])
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        sleep(self.prepare).await;
        Ok(Prepared {
            stamps: prepare.stamps.iter().map(|(_, nonce)| *nonce).collect(),
            leased: prepare.lease.is_some(),
        })
    }

    async fn store(&self, _: Write<'_>) -> Result<bool> {
        sleep(self.store).await;
        Ok(true)
    }

    async fn invalidate(&self, _: Invalidate<'_>) -> Result<()> {
        sleep(self.invalidate).await;
        Ok(())
    }
}

/// The same process without a near tier and with one.
fn caches(far: &(impl Backend + Clone)) -> [Cache; 2] {
    let builder = || Cache::builder().far(far.clone());
    [builder(), builder().near(Moka::default())]
        .map(|builder| builder.build().expect("the settings are in order"))
}

async fn took(call: impl Future) -> Duration {
    let began = Instant::now();
    call.await;
    began.elapsed()
}

/// The budget, to the millisecond that timers are rounded to.
fn is_the_budget(took: Duration) -> bool {
    took.abs_diff(DEFAULT_OUTAGE_BUDGET) <= Duration::from_millis(1)
}

const EVER: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_far_tier_that_hangs_at_any_step_costs_the_budget() {
    let none = Slow::default();
    for slow in [
        Slow { read: EVER, ..none },
        Slow {
            prepare: EVER,
            ..none
        },
        Slow {
            store: EVER,
            ..none
        },
        Slow::even(Duration::from_millis(20)),
    ] {
        for cache in caches(&slow) {
            let took = took(row(&cache, 1)).await;
            assert!(is_the_budget(took), "{slow:?} costs {took:?}");
        }
    }
    for cache in caches(&Slow::even(EVER)) {
        for took in [took(write(&cache, 1)).await, took(rewrite(&cache, 1)).await] {
            assert!(is_the_budget(took), "a write takes {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_far_tier_that_is_slow_within_the_budget_costs_its_time() {
    for cache in caches(&Slow::even(Duration::from_millis(10))) {
        assert_eq!(took(row(&cache, 1)).await, Duration::from_millis(30));
        assert_eq!(took(write(&cache, 1)).await, Duration::from_millis(10));
        assert_eq!(cache.stats().total.far_errors, 0);
    }
}

/// It would only make callers wait in vain, over and over.
#[tokio::test(start_paused = true)]
async fn a_far_tier_that_is_too_slow_for_callers_is_left_alone() {
    let clock = Clock::manual();
    let slow = Slow::even(2 * DEFAULT_OUTAGE_BUDGET);
    let builder = Cache::builder().far(slow).clock(clock.clone());
    let cache = builder.build().expect("the settings are in order");
    for id in 0..5 {
        assert!(is_the_budget(took(row(&cache, id)).await));
    }
    assert_eq!(took(write(&cache, 1)).await, Duration::ZERO);
    for id in 5..20 {
        // Long enough for a probe, and for the late invalidation to succeed.
        clock.advance(Duration::from_secs(1));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(took(row(&cache, id)).await, Duration::ZERO);
    }
    assert_eq!(cache.stats().retries, 0, "it is slow, not dead");
}

/// A store that stops while the first load runs.
#[derive(Debug, Clone, Default)]
struct Stopping(Arc<AtomicBool>);

impl Stopping {
    fn slow(&self) -> Slow {
        if self.0.load(Ordering::SeqCst) {
            Slow::even(EVER)
        } else {
            Slow::default()
        }
    }
}

impl Backend for Stopping {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        self.slow().read(names).await
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        self.slow().prepare(prepare).await
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        self.slow().store(write).await
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        self.slow().invalidate(change).await
    }
}

#[cached(key = "last", cache = cache, skip(cache, stopping))]
async fn last(cache: &Cache, stopping: &Stopping) -> Result<u64, Infallible> {
    stopping.0.store(true, Ordering::SeqCst);
    Ok(1)
}

/// Who waits while another finds out that the far tier hangs need not find out as well.
#[tokio::test(start_paused = true)]
async fn callers_of_one_key_pay_the_budget_once() {
    let stopping = Stopping::default();
    for cache in caches(&stopping) {
        stopping.0.store(false, Ordering::SeqCst);
        let call = async |after| {
            sleep(Duration::from_millis(after)).await;
            took(last(&cache, &stopping)).await
        };
        let all = tokio::join!(call(0), call(1), call(20), call(40), call(60));
        let all = [all.0, all.1, all.2, all.3, all.4];
        let worst = all.into_iter().max().expect("five calls");
        assert!(
            worst <= DEFAULT_OUTAGE_BUDGET + Duration::from_millis(1),
            "{all:?}"
        );
    }
}
