//! P2 under chaos: a burst of callers loads once, everybody gets the value, nobody hangs.

use std::time::Duration;

use larder::{
    Cache, CacheBuilder, Clock,
    testkit::{Chaos, ChaosFar, ChaosNear, MemoryFar, MemoryNear},
};
use tokio::time::timeout;

use super::rows::plans;
use crate::world::Source;

const CALLERS: usize = 50;
const ROUNDS: u64 = 40;

/// Lets many call for one cold key at once, over and over, and says how many loads a burst took at
/// most.
async fn worst(cache: &Cache, name: &str) -> u64 {
    let mut worst = 0;
    // The beginning of the feed invalidates what is in flight.
    let _ = cache.get::<u64>("cold").await;
    for round in 0..ROUNDS {
        let source = Source::open();
        let call = || {
            let (cache, source) = (cache.clone(), source.clone());
            tokio::spawn(async move {
                let load = || async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok::<_, String>(source.load().await)
                };
                cache.get_or_load(&format!("cold:{round}"), load).await
            })
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| call()).collect();
        for caller in callers {
            let called = timeout(Duration::from_secs(60), caller).await;
            let called = called.unwrap_or_else(|_| panic!("{name}: a caller hangs"));
            assert_eq!(called.expect("no panic"), Ok(1), "{name}");
        }
        worst = worst.max(source.loads());
        assert_eq!(cache.stats().flights, 0, "{name}");
    }
    worst
}

fn builder(chaos: &Chaos) -> CacheBuilder {
    let clock = Clock::tokio();
    let far = ChaosFar::new(MemoryFar::new(clock.clone()), chaos);
    Cache::builder().clock(clock).far(far)
}

#[tokio::test(start_paused = true)]
async fn a_burst_loads_once_where_there_is_a_near_tier() {
    for (name, plan) in plans() {
        let chaos = Chaos::seeded(3);
        let near = MemoryNear::new(Clock::tokio());
        let cache = builder(&chaos).near(near).build().expect("in order");
        chaos.set(plan);
        assert_eq!(worst(&cache, name).await, 1, "{name}");
    }
}

/// Also where it forgets: then the flight alone holds them together.
#[tokio::test(start_paused = true)]
async fn a_burst_loads_once_where_the_near_tier_forgets_everything() {
    for (name, plan) in plans() {
        let chaos = Chaos::seeded(3);
        let near = ChaosNear::new(MemoryNear::new(Clock::tokio()), &chaos);
        let cache = builder(&chaos).near(near).build().expect("in order");
        chaos.set(plan.evict(1.0));
        assert_eq!(worst(&cache, name).await, 1, "{name}");
    }
}

/// Without one, late joiners may not share what was asked for before them.
#[tokio::test(start_paused = true)]
async fn a_burst_loads_at_most_twice_without_a_near_tier() {
    for (name, plan) in plans() {
        let chaos = Chaos::seeded(3);
        let cache = builder(&chaos).build().expect("in order");
        chaos.set(plan);
        let worst = worst(&cache, name).await;
        assert!(worst <= 2, "{name}: {worst} loads");
    }
}
