//! A master that dies or hangs costs the calls that need it, and those only, until a replica has
//! taken over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, ErrorKind};
use test_support::RedisCluster;
use tokio::time::sleep;

use super::caller::{Callers, Round, names, write};
use crate::probe::SLACK;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Runs what blocks beside the calls of a test.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("does not panic")
}

pub(crate) async fn start(args: &'static [&str]) -> Arc<RedisCluster> {
    Arc::new(blocking(|| RedisCluster::start(args)).await)
}

/// The cluster goes on without the slots of a dead master. By default its nodes refuse
/// everything from the moment they agree that one is dead until its replica has taken over.
pub(crate) const PARTIAL: &[&str] = &["--cluster-require-full-coverage", "no"];

/// What three callers met while the master of the first one's names was away.
struct Outage {
    began: Instant,
    takeover: Instant,
    dead: Vec<Round>,
    healthy: Vec<Round>,
}

impl Outage {
    async fn run(
        cluster: &Arc<RedisCluster>,
        redis: &Redis,
        fault: impl FnOnce(&RedisCluster) + Send + 'static,
    ) -> Self {
        let end = Instant::now() + millis(8_000);
        let callers = Callers::start(redis, cluster, end).await;
        sleep(millis(500)).await;
        let breaking = Arc::clone(cluster);
        let (began, takeover) = blocking(move || {
            let slot = breaking.slot(&names(&breaking)[0]);
            let began = Instant::now();
            fault(&breaking);
            breaking.await_takeover(slot);
            (began, Instant::now())
        })
        .await;
        let mut rounds = callers.rounds().await.into_iter();
        let dead = rounds.next().expect("three callers");
        Self {
            began,
            takeover,
            dead,
            healthy: rounds.flatten().collect(),
        }
    }

    /// When the caller of the dead master's name was served again.
    fn back(&self) -> Instant {
        let since = self.dead.iter().filter(|round| round.began > self.began);
        let failing = since.clone().filter(|round| !round.is_well());
        let last = failing.map(|round| round.began).max().expect("it failed");
        let well = since.filter(|round| round.is_well() && round.began > last);
        well.map(|round| round.began).min().expect("it is back")
    }

    fn print(&self, fault: &str) {
        let failing = self.healthy.iter().filter(|round| !round.is_well());
        println!(
            "{fault}: taken over after {:?}, back {:?} later; of {} healthy rounds {} failed, slowest {:?}",
            self.takeover - self.began,
            self.back().saturating_duration_since(self.takeover),
            self.healthy.len(),
            failing.count(),
            p99(&self.healthy),
        );
    }
}

/// Of the calls of these rounds.
fn p99(rounds: &[Round]) -> Duration {
    let mut times: Vec<Duration> = rounds
        .iter()
        .flat_map(|round| [round.read, round.write])
        .collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Case 30.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_shards_keep_serving_when_a_master_is_killed() {
    let cluster = start(PARTIAL).await;
    let redis = Redis::connect(cluster.url()).unwrap();
    let outage = Outage::run(&cluster, &redis, |cluster| cluster.kill(0)).await;
    outage.print("killed");
    let failing = outage.healthy.iter().filter(|round| !round.is_well());
    assert!(failing.count() <= 10);
    assert!(p99(&outage.healthy) < millis(300));
    assert!(outage.back() < outage.takeover + millis(1_000));
    // What needs the dead one is told so at once, and that it is not the whole.
    let mut away: Vec<Duration> = Vec::new();
    for round in outage.dead.iter().filter(|round| !round.is_well()) {
        assert!(
            round.read.max(round.write) < Redis::DEADLINE + SLACK,
            "{round:?}"
        );
        away.push(round.read.max(round.write));
    }
    away.sort_unstable();
    assert!(
        away[away.len() / 2] < millis(5),
        "median {:?}",
        away[away.len() / 2]
    );
}

/// Case 31.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_for_good_is_left_when_another_has_taken_over() {
    let cluster = start(PARTIAL).await;
    let redis = Redis::connect(cluster.url()).unwrap();
    let outage = Outage::run(&cluster, &redis, |cluster| cluster.stop(0)).await;
    outage.print("hung");
    let failing = outage.healthy.iter().filter(|round| !round.is_well());
    assert!(failing.count() <= 10);
    assert!(p99(&outage.healthy) < millis(300));
    assert!(outage.back() < outage.takeover + millis(1_000));
}

/// The nodes refuse everything for a while; that is an outage of all, and short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_wants_full_coverage_is_back_when_it_has_it() {
    let cluster = start(&[]).await;
    let redis = Redis::connect(cluster.url()).unwrap();
    let outage = Outage::run(&cluster, &redis, |cluster| cluster.kill(0)).await;
    outage.print("killed, full coverage");
    assert!(outage.back() < outage.takeover + millis(1_000));
    assert!(p99(&outage.healthy) < millis(300));
    for round in outage.healthy.iter().filter(|round| !round.is_well()) {
        assert!(
            round.began > outage.began && round.began < outage.takeover,
            "{round:?}"
        );
        for error in round.errors() {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.to_string().contains("CLUSTERDOWN"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_on_a_node_that_is_away_is_absent_while_others_live() {
    let cluster = start(PARTIAL).await;
    let redis = Redis::connect(cluster.url()).unwrap();
    let names = names(&cluster);
    for (at, name) in names.iter().enumerate() {
        write(&redis, name, at as u64).await.unwrap();
    }
    let read = async || {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let read = redis.read(&names).await?;
        Ok::<_, cache_core::Error>(read.iter().map(Option::is_some).collect::<Vec<_>>())
    };
    assert_eq!(read().await.unwrap(), [true, true, true]);

    // Neither it nor its replica: nobody takes over.
    cluster.kill(3);
    cluster.kill(0);
    let absent = async {
        while read().await.ok() != Some(vec![false, true, true]) {
            sleep(millis(5)).await;
        }
    };
    tokio::time::timeout(millis(2_000), absent)
        .await
        .expect("absent");
    let error = write(&redis, &names[0], 7).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    let node = cluster.addrs()[0].to_string();
    assert!(error.to_string().contains(&node), "{error}");
    write(&redis, &names[1], 8).await.expect("another shard");

    // With nobody left it is an outage.
    for at in [1, 2] {
        cluster.kill(at);
    }
    let down = async {
        loop {
            match read().await {
                Err(error) if error.kind() == ErrorKind::Unavailable => return error,
                _ => sleep(millis(5)).await,
            }
        }
    };
    let error = tokio::time::timeout(millis(2_000), down)
        .await
        .expect("down");
    let began = Instant::now();
    assert!(read().await.is_err());
    assert!(began.elapsed() < millis(20), "{error}");
}
