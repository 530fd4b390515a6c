//! P3 under chaos, on a paused clock, so that not a millisecond is the machine's: no call fails,
//! none is delayed by more than the outage budget, and the far tier is used again soon after.

use std::time::Duration;

use larder::{
    Cache, Clock,
    policy::DEFAULT_OUTAGE_BUDGET,
    testkit::{Chaos, ChaosFar, ChaosNear, Fault, MemoryFar, MemoryNear, Plan},
};
use tokio::time::{Instant, sleep, timeout};

use super::rows::{Answer, Row, plans, rewrite, row, rows, write};

const ROUNDS: u64 = 500;
/// Timers tick once a millisecond and are never early: one tick for each of the few that a call
/// may wait for.
const TICKS: Duration = Duration::from_millis(4);
/// How soon the far tier is used again.
const BACK: Duration = Duration::from_secs(2);
/// What takes this long counts as never.
const NEVER: Duration = Duration::from_secs(60);

struct Trial {
    chaos: Chaos,
    /// A process without a near tier, and one with both.
    caches: [Cache; 2],
    worst: Duration,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let (clock, chaos) = (Clock::tokio(), Chaos::seeded(seed));
        let store = MemoryFar::new(clock.clone());
        let far = || {
            let far = ChaosFar::new(store.clone(), &chaos);
            Cache::builder().clock(clock.clone()).far(far)
        };
        let near = ChaosNear::new(MemoryNear::new(clock.clone()), &chaos);
        let caches = [far(), far().near(near)].map(|builder| builder.build().expect("in order"));
        Self {
            chaos,
            caches,
            worst: Duration::ZERO,
        }
    }

    /// One call, which must return its own result in time.
    async fn time(&mut self, what: &str, id: u64, call: impl Future<Output = Answer>) {
        let began = Instant::now();
        let answer = timeout(NEVER, call).await;
        assert_eq!(answer, Ok(Ok(Row::new(id))), "{what}");
        self.took(what, began.elapsed());
    }

    fn took(&mut self, what: &str, took: Duration) {
        self.worst = self.worst.max(took);
        let most = DEFAULT_OUTAGE_BUDGET + TICKS;
        assert!(took <= most, "{what}: {took:?} is more than {most:?}");
    }

    async fn round(&mut self, name: &str, id: u64) {
        for cache in self.caches.clone() {
            self.time(name, id, row(&cache, id)).await;
            self.time(name, id / 2, row(&cache, id / 2)).await;
            if id.is_multiple_of(4) {
                self.time(name, id, write(&cache, id)).await;
            }
            if id.is_multiple_of(32) {
                self.time(name, id, rewrite(&cache, id)).await;
            }
            let ids: Vec<u64> = (id..id + 5).collect();
            let began = Instant::now();
            let rows = timeout(NEVER, rows(&cache, &ids)).await;
            let rows = rows.unwrap_or_else(|_| panic!("{name}: a batch hangs"));
            let Ok(rows) = rows;
            for id in &ids {
                assert_eq!(rows[id], Row::new(*id), "{name}");
            }
            self.took(name, began.elapsed());
        }
        sleep(Duration::from_millis(5)).await;
    }

    /// How long it takes until both processes have a value of the far tier again, which the other
    /// one stored there.
    async fn back(&self) -> Duration {
        let began = Instant::now();
        for cache in &self.caches {
            let hits = || cache.stats().total.far_hits;
            let before = hits();
            for id in 1_000_000.. {
                for cache in &self.caches {
                    row(cache, id).await.expect("a row");
                }
                if hits() > before {
                    break;
                }
                row(&self.caches[0], id).await.expect("a row");
                sleep(Duration::from_millis(1)).await;
                assert!(began.elapsed() < NEVER, "it never comes back");
            }
        }
        began.elapsed()
    }
}

async fn under(name: &str, plan: Plan) {
    let mut trial = Trial::new(5);
    trial.chaos.set(plan);
    for id in 0..ROUNDS {
        trial.round(name, id).await;
    }
    trial.chaos.rest();
    let back = trial.back().await;
    println!("{name}: worst {:?}, back after {back:?}", trial.worst);
    assert!(back <= BACK, "{name}: back after {back:?}");
}

#[tokio::test(start_paused = true)]
async fn no_call_fails_or_is_late_whatever_the_store_does() {
    for (name, plan) in plans() {
        under(name, plan).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_fails_or_is_late_where_nothing_works_at_all() {
    let long = Duration::from_secs(10);
    for (name, plan) in [
        ("all calls fail", Plan::new().fail(1.0)),
        ("all answers are lost", Plan::new().lose_answers(1.0)),
        ("all writes are late", Plan::new().write_late(1.0, long)),
        ("all calls hang", Plan::new().hang(1.0)),
        ("all calls are slow", Plan::new().delay(1.0, long)),
        ("all answers are garbage", Plan::new().garble(1.0)),
        ("all is lost", Plan::new().evict(1.0)),
    ] {
        under(name, plan).await;
    }
}

/// What the test above would miss if nothing happened to any call.
#[tokio::test(start_paused = true)]
async fn each_fault_strikes() {
    let mut trial = Trial::new(5);
    trial.chaos.set(super::rows::all_at_once());
    for id in 0..ROUNDS {
        trial.round("all at once", id).await;
    }
    for fault in Fault::ALL {
        let elsewhere = matches!(
            fault,
            Fault::NoticeLost | Fault::NoticeLate | Fault::FeedBroken
        );
        let count = trial.chaos.count(fault);
        assert_eq!(count == 0, elsewhere, "{fault:?}: {count}");
    }
}
