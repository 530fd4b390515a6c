//! The cases of a Redis Cluster: three masters, each with a replica.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use larder::Cache;
use test_support::{Failure, Naive, RedisCluster, Subject};
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::{sleep, timeout},
};

use crate::{
    driver::{Far, NEVER, PROMISE, RACE, Race, SLACK, Trial, Watch, build, millis, often},
    suite::{Case, Row, Times},
};

/// How long a race lasts in which a replica takes over.
const LONG: Duration = Duration::from_secs(9);
/// What the stamps of the namespace and of the prefixes under test are called in the store.
const STAMPS: [&str; 3] = ["larder:g:n", "larder:g:p:items", "larder:g:p:rows"];

/// The cluster goes on without the slots of a dead master. By default its nodes refuse
/// everything from the moment they agree that one is dead until its replica has taken over.
const PARTIAL: &[&str] = &["--cluster-require-full-coverage", "no"];

/// What is done to a node.
type Strike = fn(&RedisCluster, usize);

pub(crate) fn cases() -> Vec<Case> {
    let shards = "10 failures elsewhere at most, P3";
    let kill: Strike = RedisCluster::kill;
    let stop: Strike = RedisCluster::stop;
    let cont: Strike = RedisCluster::cont;
    vec![
        case(1, "none, the naive protocol", "found stale", control),
        case(30, "a master killed", PROMISE, move || gone(kill)),
        case(30, "a master killed, what others hold", shards, move || {
            healthy(kill)
        }),
        case(
            30,
            "a master killed, and later a replica, under load",
            "P1, P3",
            move || raced(kill, RedisCluster::restart),
        ),
        case(31, "a master stopped for good", PROMISE, move || gone(stop)),
        case(
            31,
            "a master stopped, what others hold",
            shards,
            move || healthy(stop),
        ),
        case(
            31,
            "a master stopped, and later again there, under load",
            "P1, P3",
            move || raced(stop, cont),
        ),
        case(31, "a master gives way, under load", "P1, P3", || {
            raced(give_way, |_, _| {})
        }),
        case(32, "slots migrated under load", "P1, no error", || {
            migrated(Race::far_only)
        }),
        case(32, "the same, both tiers", "P1, no error", || {
            migrated(Race::both)
        }),
        case(33, "none, entries and stamps on three nodes", "P1", || {
            split(Race::far_only)
        }),
        case(33, "the same, both tiers", "P1", || split(Race::both)),
    ]
}

/// While both run.
fn give_way(cluster: &RedisCluster, master: usize) {
    cluster.take_over(master);
}

fn case<F: Future<Output = Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, "cluster", fault, promise, run)
}

fn start() -> (Arc<RedisCluster>, Far) {
    start_with(&[])
}

fn start_with(args: &[&str]) -> (Arc<RedisCluster>, Far) {
    let cluster = RedisCluster::start(args);
    let far = Far::Redis(cluster.url());
    (Arc::new(cluster), far)
}

fn entry(key: &str) -> String {
    format!("larder:e:{key}")
}

/// A key of the cache whose entry lies on a node.
fn key_on(cluster: &RedisCluster, node: usize) -> String {
    let name = cluster.key_on(node, &entry("spots:"));
    let key = name.strip_prefix("larder:e:");
    key.expect("the start of an entry").to_owned()
}

/// The naive protocol with each key on its own node.
struct Scattered(Vec<Naive>);

impl Subject for Scattered {
    async fn read(&self, key: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        self.0[key].read(key, load).await
    }

    async fn invalidate_key(&self, key: usize) -> Result<(), Failure> {
        self.0[key].invalidate_key(key).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        for key in 0..self.0.len() {
            self.invalidate_key(key).await?;
        }
        Ok(())
    }
}

async fn control() -> Row {
    let (cluster, _) = start();
    let on = |key| {
        let node = cluster.master_of(&format!("naive:{key}"));
        Naive::new(cluster.node(node).addr(), 1)
    };
    let naive = Scattered((0..3).map(on).collect());
    Race::with(naive).run(RACE, async {}).await.found()
}

async fn split(race: fn(&Far) -> Arc<Race>) -> Row {
    let (cluster, far) = start();
    let names = (0..3).map(|at| entry(&format!("rows:{at}")));
    let mut nodes: Vec<_> = names
        .chain(STAMPS.map(str::to_owned))
        .map(|name| cluster.master_of(&name))
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "what is read together lies on all nodes");
    let raced = race(&far).run(RACE, async {}).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    row
}

/// Strikes a master and waits until its replica has taken over.
async fn take_over(cluster: &Arc<RedisCluster>, strike: Strike, victim: usize) {
    let cluster = Arc::clone(cluster);
    let taken = spawn_blocking(move || {
        let slot = cluster.slot(&entry(&key_on(&cluster, victim)));
        strike(&cluster, victim);
        cluster.await_takeover(slot)
    });
    taken.await.expect("a replica takes over");
}

/// Waits until a key can be written and read.
async fn serves(cache: &Cache, key: &str) {
    while cache.set(key, &1_u64).await.is_err() || !matches!(cache.get(key).await, Ok(Some(1_u64)))
    {
        sleep(millis(5)).await;
    }
}

/// The master of the namespace's stamp, without which nothing is a hit.
async fn gone(strike: Strike) -> Row {
    let (cluster, far) = start();
    let trial = Trial::healthy(&far).await;
    let victim = cluster.master_of(STAMPS[0]);
    let key = key_on(&cluster, victim);
    let outage = trial.begin();
    take_over(&cluster, strike, victim).await;
    let used = async {
        for cache in trial.caches() {
            serves(cache, &key).await;
        }
        trial.used().await;
    };
    outage.over_since(Instant::now(), used).await
}

/// A master of neither stamp, and keys of all.
async fn healthy(strike: Strike) -> Row {
    let (cluster, far) = start_with(PARTIAL);
    let cache = build(far.hasty());
    let stamps = ["larder:g:n", "larder:g:p:spots"].map(|name| cluster.master_of(name));
    let victim = (0..3).find(|node| !stamps.contains(node));
    let victim = victim.expect("two stamps lie on two masters at most");
    let keys = [0, 1, 2].map(|node| (key_on(&cluster, node), node == victim));
    for (key, _) in &keys {
        let set = timeout(NEVER, serves(&cache, key)).await;
        set.expect("a healthy cluster takes values");
    }
    let (watch, mut row, mut took) = (Watch::start(), Row::default(), Vec::new());
    let mut failures = 0;
    let read = async {
        loop {
            for (key, is_gone) in &keys {
                let began = Instant::now();
                let read = cache.get::<u64>(key).await;
                if !is_gone {
                    took.push(began.elapsed());
                    failures += usize::from(!matches!(read, Ok(Some(1))));
                }
            }
            sleep(millis(10)).await;
        }
    };
    tokio::select! {
        () = read => unreachable!("it goes on"),
        () = take_over(&cluster, strike, victim) => {}
    }
    (row.calls, row.failed) = (took.len(), failures);
    (row.added, row.stall) = (Times::of(took), watch.stall());
    row.must(failures <= 10, || {
        format!("{failures} reads of what other masters hold failed")
    });
    let (p99, bound) = (row.added.part(0.99), millis(50) + SLACK + 2 * row.stall);
    row.must(row.calls > 100 && p99 < bound, || {
        format!("reads of what other masters hold took {p99:?} at p99")
    });
    row
}

async fn raced(strike: Strike, later: Strike) -> Row {
    let (cluster, far) = start();
    let race = Race::hasty(&far);
    let victim = cluster.master_of(&entry("rows:0"));
    let fault = async {
        sleep(millis(1_000)).await;
        take_over(&cluster, strike, victim).await;
        sleep(millis(1_000)).await;
        block_in_place(|| later(&cluster, victim));
    };
    let raced = race.run(LONG, fault).await;
    let mut row = raced.fresh();
    raced.in_time(&mut row);
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "nothing was hit".to_owned());
    row
}

async fn migrated(race: fn(&Far) -> Arc<Race>) -> Row {
    let (cluster, far) = start();
    let race = race(&far);
    let names = [entry("rows:0"), entry("rows:1"), STAMPS[2].to_owned()];
    let mut moved = 0;
    let migrate = often(millis(100), || {
        let slot = cluster.slot(&names[moved % names.len()]);
        let to = (cluster.master_of_slot(slot) + 1) % 3;
        cluster.migrate(slot, to, || std::thread::sleep(millis(30)));
        moved += 1;
    });
    let raced = race.run(LONG, migrate).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    row.must(moved > 5, || format!("{moved} slots moved"));
    row
}
