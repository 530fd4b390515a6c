//! P1 under chaos: the recorder finds no stale read, whatever the store does, and finds some
//! where the store has no fence.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{
    Backend, Cache, CallStats,
    testkit::{Chaos, ChaosFar, ChaosNear, MemoryFar, MemoryNear, Plan},
};
use test_support::{Failure, Mix, Run, Subject};

use super::{
    rows::{all_at_once, plans},
    unfenced::Unfenced,
};

const RUN: Duration = Duration::from_secs(1);
const FINE: &str = "the settings are in order";

/// Caches that share a far tier, used in turn.
struct Larder {
    caches: Vec<Cache>,
    next: AtomicUsize,
}

impl Larder {
    /// As four processes without near tiers, each with a line of its own to `store`.
    fn far_only<B: Backend + Clone>(store: &B, chaos: &[Chaos]) -> Arc<Self> {
        let cache = |chaos| {
            let far = ChaosFar::new(store.clone(), chaos);
            Cache::builder().far(far).build().expect(FINE)
        };
        Self::of(chaos.iter().map(cache).collect())
    }

    /// As one process with both tiers, both in trouble.
    fn both(chaos: &Chaos) -> Arc<Self> {
        let far = ChaosFar::new(MemoryFar::default(), chaos);
        let near = ChaosNear::new(MemoryNear::default(), chaos);
        let cache = Cache::builder().near(near).far(far).build().expect(FINE);
        Self::of(vec![cache])
    }

    fn of(caches: Vec<Cache>) -> Arc<Self> {
        Arc::new(Self {
            caches,
            next: AtomicUsize::new(0),
        })
    }

    fn cache(&self) -> &Cache {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.caches[next % self.caches.len()]
    }

    fn sum(&self, of: impl Fn(&CallStats) -> u64) -> u64 {
        let caches = self.caches.iter();
        caches.map(|cache| of(&cache.stats().total)).sum()
    }
}

fn key(key: usize) -> String {
    format!("rows:{key}")
}

impl Subject for Larder {
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let load = || async { Ok::<_, String>(load.await) };
        let read = self.cache().get_or_load(&key(at), load).await;
        read.expect("the source does not fail")
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        Ok(self.cache().remove(&key(at)).await?)
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        Ok(self.cache().remove_prefix("rows").await?)
    }
}

fn mix() -> Mix {
    Mix {
        pause: Duration::from_millis(30),
        ..Mix::lasting(RUN)
    }
}

async fn run<S: Subject>(name: &str, subject: Arc<S>) -> Run {
    let run = mix().run(subject).await;
    println!(
        "{name}: {}, {} loads, {} invalidations failed",
        run.check(),
        run.loads,
        run.failed
    );
    run
}

/// Four sources of the same faults at different times.
fn four(plan: &Plan) -> Vec<Chaos> {
    let chaos = |seed| {
        let chaos = Chaos::seeded(seed);
        chaos.set(plan.clone());
        chaos
    };
    (1..=4).map(chaos).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_whatever_a_shared_store_does() {
    for (name, plan) in plans() {
        let larder = Larder::far_only(&MemoryFar::default(), &four(&plan));
        let run = run(name, larder.clone()).await;
        run.check().assert_fresh();
        assert!(larder.sum(|calls| calls.far_hits) > 0, "{name}: no far hit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_where_both_tiers_are_in_trouble() {
    for (name, plan) in plans() {
        let chaos = Chaos::seeded(7);
        chaos.set(plan);
        let larder = Larder::both(&chaos);
        let run = run(name, larder.clone()).await;
        run.check().assert_fresh();
        assert!(
            larder.sum(|calls| calls.near_hits) > 0,
            "{name}: no near hit"
        );
    }
}

/// The same load and faults over stores that keep a part of the fence only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_finds_stale_reads_where_the_store_ignores_the_fence() {
    let store = Unfenced(MemoryFar::default());
    let run = run(
        "without a fence",
        Larder::far_only(&store, &four(&all_at_once())),
    )
    .await;
    let report = run.check();
    assert!(report.stale > 0, "the checker is blind: {report}");
}
