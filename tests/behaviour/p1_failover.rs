//! P1 where another server takes over, or the same comes back with what it held before: nothing
//! that was invalidated on the one is read from the other.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use larder::{Cache, CacheBuilder, Error, Moka, Redis, policy::DEFAULT_OUTAGE_BUDGET};
use test_support::{Failure, Mix, Naive, RedisServer, Report, Run, SentinelGroup, Subject};
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::sleep,
};

use crate::p1_far::{Larder, until};

/// Long enough for a failover, which is the longest of what is done here.
const RUN: Duration = Duration::from_secs(12);
const BEFORE: Duration = Duration::from_secs(3);
const FINE: &str = "the settings are in order";

fn cache(url: &str) -> CacheBuilder {
    let redis = Redis::connect(url).expect(FINE);
    Cache::builder()
        .far(redis)
        .outage_budget(DEFAULT_OUTAGE_BUDGET)
}

/// As four processes without near tiers.
fn far_only(group: &SentinelGroup) -> Arc<Larder> {
    let caches = (0..4).map(|_| cache(&group.url()).build().expect(FINE));
    Larder::of(caches.collect())
}

/// As one process with both tiers.
fn both(group: &SentinelGroup) -> Arc<Larder> {
    let cache = cache(&group.url()).near(Moka::default());
    Larder::of(vec![cache.build().expect(FINE)])
}

fn group() -> Arc<SentinelGroup> {
    Arc::new(block_in_place(|| SentinelGroup::start(2)))
}

/// Runs the mix while `fault` breaks things, and prints what happened.
async fn run<S: Subject>(name: &str, subject: Arc<S>, fault: impl Future<Output = ()>) -> Run {
    let pause = Duration::from_millis(30);
    let mix = Mix {
        pause,
        ..Mix::lasting(RUN)
    };
    let (run, ()) = tokio::join!(mix.run(subject), fault);
    let report = run.check();
    println!(
        "{name}: {report}, {} loads, {} invalidations failed",
        run.loads, run.failed
    );
    run
}

fn fresh(run: &Run) -> Report {
    let report = run.check();
    report.assert_fresh();
    report
}

/// Waits until there is another master than `old`.
async fn switched(group: &Arc<SentinelGroup>, old: &Arc<RedisServer>) {
    let (group, old) = (Arc::clone(group), Arc::clone(old));
    let switching = spawn_blocking(move || group.await_switch(&old));
    switching.await.expect("another master");
}

/// Sees to it that the far tier was used by the time the fault came and is used after it.
async fn used(larder: &Larder) {
    let hits = || larder.sum(|stats| stats.far_hits);
    let before = hits();
    until("the far tier is used", || hits() > before).await;
}

/// The naive protocol on whichever server is the master.
struct Following(RwLock<Arc<Naive>>);

impl Following {
    fn naive(&self) -> Arc<Naive> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn naive(server: &RedisServer) -> Arc<Naive> {
    Arc::new(Naive::new(server.addr(), Mix::default().keys))
}

impl Subject for Following {
    async fn read(&self, key: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        self.naive().read(key, load).await
    }

    async fn invalidate_key(&self, key: usize) -> Result<(), Failure> {
        self.naive().invalidate_key(key).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        self.naive().invalidate_prefix().await
    }
}

/// Case 1 here: the checker finds what a naive cache does wrong that follows the master, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_finds_stale_reads_of_the_naive_protocol_under_failover() {
    let group = group();
    let old = Arc::clone(group.master());
    let subject = Arc::new(Following(RwLock::new(naive(&old))));
    let kill = async {
        sleep(BEFORE).await;
        block_in_place(|| old.kill());
        switched(&group, &old).await;
        let next = naive(group.master());
        *subject.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    };
    let run = run("naive on Sentinel", subject.clone(), kill).await;
    let report = run.check();
    assert!(report.stale > 0, "the checker is blind: {report}");
}

/// Case 27.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_master_is_killed() {
    for (name, of) in [
        (
            "killed, far only",
            far_only as fn(&SentinelGroup) -> Arc<Larder>,
        ),
        ("killed, near and far", both),
    ] {
        let group = group();
        let larder = of(&group);
        let old = Arc::clone(group.master());
        let kill = async {
            sleep(BEFORE).await;
            block_in_place(|| old.kill());
            switched(&group, &old).await;
            used(&larder).await;
            // It comes back as a replica of the other.
            block_in_place(|| old.restart());
        };
        let run = run(name, larder.clone(), kill).await;
        let report = fresh(&run);
        assert!(report.slowest < Duration::from_secs(5), "{report}");
        assert!(run.failed > 0, "no invalidation noticed");
    }
}

/// Case 28: what was sent to the old master before it stopped is done by it when it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_master_stops_and_goes_on_as_the_old_one() {
    let group = group();
    let larder = far_only(&group);
    let old = Arc::clone(group.master());
    let stop = async {
        sleep(BEFORE).await;
        block_in_place(|| old.stop());
        switched(&group, &old).await;
        used(&larder).await;
        block_in_place(|| old.cont());
    };
    let run = run("stopped", larder.clone(), stop).await;
    let report = fresh(&run);
    assert!(report.slowest < Duration::from_secs(5), "{report}");
    assert!(run.failed > 0, "no invalidation noticed");
}

/// The near tier of another process hears of what the new master is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feeds_follow_the_master() {
    let group = group();
    let process = || {
        let long = Duration::from_secs(5);
        let redis = Redis::builder(group.url()).deadline(long);
        let redis = redis.replica_patience(long / 2).build().expect(FINE);
        let builder = Cache::builder().far(redis).near(Moka::default());
        builder.outage_budget(long).build().expect(FINE)
    };
    let [reader, writer] = [process(), process()];
    for cache in [&reader, &writer] {
        cache.get::<u64>("rows:1").await.expect("is reached");
        until("the feed is up", || cache.stats().feed_alive).await;
    }
    let old = Arc::clone(group.master());
    block_in_place(|| old.kill());
    switched(&group, &old).await;
    for cache in [&reader, &writer] {
        until("the feed is up again", || cache.stats().feed_alive).await;
        // Whatever failed meanwhile is told by now.
        while cache.set("rows:1", &1_u64).await.is_err() || cache.stats().retries > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let near = || async {
        reader
            .get::<u64>("rows:1")
            .await
            .is_ok_and(|row| row == Some(1))
    };
    while !near().await || reader.stats().near_entries == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    writer.remove("rows:1").await.expect("is told");
    until("the reader is told", || reader.stats().near_entries == 0).await;
}

/// A value that was invalidated after the snapshot, and one that was not.
async fn told_before_and_after(cache: &Cache, server: &RedisServer) -> Result<(), Error> {
    cache.set("rows:1", &1_u64).await?;
    cache.set("others:1", &1_u64).await?;
    server.raw(&["SAVE"]);
    cache.remove_prefix("rows").await?;
    assert_eq!(cache.get::<u64>("rows:1").await?, None);
    assert_eq!(cache.get::<u64>("others:1").await?, Some(1));
    Ok(())
}

/// Case 35.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_from_an_old_snapshot_holds_nothing_that_is_valid() {
    let server = RedisServer::start(&[]);
    let process = || {
        let long = Duration::from_secs(5);
        let redis = Redis::builder(server.url()).deadline(long);
        let far = redis.build().expect(FINE);
        let builder = Cache::builder().far(far).outage_budget(long);
        builder.build().expect(FINE)
    };
    let cache = process();
    told_before_and_after(&cache, &server).await.unwrap();
    block_in_place(|| server.restart());
    let entry = ["EXISTS", "larder:e:rows:1"];
    assert_eq!(server.raw(&entry).int(), Some(1), "it is there again");
    for cache in [cache, process()] {
        for key in ["rows:1", "others:1"] {
            let read = loop {
                // The first may meet the closed connection.
                if let Ok(read) = cache.get::<u64>(key).await {
                    break read;
                }
                sleep(Duration::from_millis(5)).await;
            };
            assert_eq!(read, None, "{key}");
        }
    }
}
