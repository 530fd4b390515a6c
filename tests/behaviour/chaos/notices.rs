//! What near tiers of other processes show while the feed is in trouble, on a paused clock.

use std::time::Duration;

use larder::{
    Cache, Clock,
    policy::{FEED_LEASE, NEAR_CAP_UNFED},
    testkit::{Chaos, ChaosFar, Fault, MemoryFar, MemoryNear, Plan},
};
use tokio::time::{Instant, sleep};

const ROUNDS: u64 = 40;
const TICK: Duration = Duration::from_millis(100);

/// A process whose feed is in trouble, and another whose is not.
struct Pair {
    chaos: Chaos,
    deaf: Cache,
    other: Cache,
}

impl Pair {
    fn new() -> Self {
        let (clock, chaos) = (Clock::tokio(), Chaos::seeded(11));
        let store = MemoryFar::new(clock.clone());
        let near = || MemoryNear::new(clock.clone());
        let builder = || Cache::builder().clock(clock.clone());
        let deaf = builder()
            .near(near())
            .far(ChaosFar::new(store.clone(), &chaos));
        let other = builder().near(near()).far(store.clone());
        let [deaf, other] = [deaf, other].map(|it| it.build().expect("in order"));
        Self { chaos, deaf, other }
    }

    /// How long after an invalidation by the other process returned the old value is still shown,
    /// at most.
    async fn stalest(&self) -> Duration {
        let mut stalest = Duration::ZERO;
        for version in 0..ROUNDS {
            let read = || {
                self.deaf
                    .get_or_load("row", || async { Ok::<_, String>(version) })
            };
            // Until the near tier has it, which a notice on its way may yet empty.
            while read().await != Ok(version) || self.deaf.stats().near_entries == 0 {
                sleep(TICK).await;
            }
            self.other.remove("row").await.expect("the store is fine");
            let began = Instant::now();
            let new = || async { Ok::<_, String>(version + 1) };
            while self.deaf.get_or_load("row", new).await == Ok(version) {
                sleep(TICK).await;
            }
            stalest = stalest.max(began.elapsed());
        }
        stalest
    }
}

async fn stalest(name: &str, fault: Fault, plan: Plan) -> Duration {
    let pair = Pair::new();
    pair.chaos.set(plan);
    let stalest = pair.stalest().await;
    println!("{name}: at most {stalest:?} behind");
    assert!(pair.chaos.count(fault) > 0, "{name} did not happen");
    stalest
}

#[tokio::test(start_paused = true)]
async fn a_repeated_notice_does_no_harm() {
    let plan = Plan::new().repeat_notices(0.5);
    let stalest = stalest("repeated", Fault::NoticeRepeated, plan).await;
    assert_eq!(stalest, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_lags_is_believed_for_as_long_as_its_heartbeats_are_young() {
    let lag = Duration::from_secs(20);
    let plan = Plan::new().late_notices(0.5, lag);
    let stalest = stalest("late", Fault::NoticeLate, plan).await;
    // Heartbeats are held up with it, so that the near tier is soon no longer fed.
    assert!(stalest <= NEAR_CAP_UNFED + FEED_LEASE, "{stalest:?}");
    assert!(stalest > TICK, "{stalest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_breaks_is_believed_no_longer_than_an_unfed_value_lives() {
    let plan = Plan::new().break_feed(0.5, Duration::from_secs(60));
    let stalest = stalest("broken", Fault::FeedBroken, plan).await;
    assert!(stalest <= NEAR_CAP_UNFED + TICK, "{stalest:?}");
    assert!(stalest > TICK, "{stalest:?}");
}

/// Why no store may do this, and that this test can fail.
#[tokio::test(start_paused = true)]
async fn a_feed_that_loses_notices_in_silence_is_believed_for_too_long() {
    let plan = Plan::new().lose_notices(0.5);
    let stalest = stalest("lost", Fault::NoticeLost, plan).await;
    assert!(stalest > NEAR_CAP_UNFED + FEED_LEASE, "{stalest:?}");
}
