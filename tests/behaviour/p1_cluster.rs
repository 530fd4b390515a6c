//! P1 over a cluster: entries and the stamps that guard them lie on different nodes, slots move
//! and masters are replaced under load, and nothing that was invalidated is read.

use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use larder::{Cache, CacheBuilder, Moka, Redis, cached, policy::DEFAULT_OUTAGE_BUDGET};
use test_support::{Failure, Mix, Naive, RedisCluster, Reply, Report, Run, Subject};
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::{Instant, sleep, timeout},
};

use crate::p1_far::Larder;

const RUN: Duration = Duration::from_secs(6);
/// Long enough for a takeover and what comes after it.
const LONG_RUN: Duration = Duration::from_secs(10);
/// By when a node must be back.
const PATIENCE: Duration = Duration::from_secs(10);
const FINE: &str = "the settings are in order";
/// What the mix reads and writes, as it is called in the store.
const NAMES: [&str; 5] = [
    "larder:e:rows:0",
    "larder:e:rows:1",
    "larder:e:rows:2",
    "larder:g:n",
    "larder:g:p:rows",
];

fn start() -> Arc<RedisCluster> {
    Arc::new(block_in_place(|| RedisCluster::start(&[])))
}

/// A cache for which a busy machine is no outage.
fn patient(cluster: &RedisCluster) -> CacheBuilder {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(cluster.url()).deadline(long);
    let redis = redis.replica_patience(long / 2).build().expect(FINE);
    Cache::builder().far(redis).outage_budget(long)
}

/// A cache as users have it.
fn usual(cluster: &RedisCluster) -> CacheBuilder {
    let redis = Redis::connect(cluster.url()).expect(FINE);
    Cache::builder()
        .far(redis)
        .outage_budget(DEFAULT_OUTAGE_BUDGET)
}

/// As four processes without near tiers.
fn far_only(cluster: &RedisCluster, cache: fn(&RedisCluster) -> CacheBuilder) -> Arc<Larder> {
    Larder::of(
        (0..4)
            .map(|_| cache(cluster).build().expect(FINE))
            .collect(),
    )
}

/// As one process with both tiers.
fn both(cluster: &RedisCluster, cache: fn(&RedisCluster) -> CacheBuilder) -> Arc<Larder> {
    let cache = cache(cluster).near(Moka::default());
    Larder::of(vec![cache.build().expect(FINE)])
}

/// Runs the mix while `fault` breaks things, and prints what happened.
async fn run<S: Subject>(
    name: &str,
    lasting: Duration,
    subject: Arc<S>,
    fault: impl Future<Output = ()>,
) -> Run {
    let pause = Duration::from_millis(30);
    let mix = Mix {
        pause,
        ..Mix::lasting(lasting)
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

/// The naive protocol, each key on its own node.
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

/// Case 1 here: the checker finds what a naive cache does wrong, on the same nodes and load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_finds_stale_reads_of_the_naive_protocol_on_a_cluster() {
    let cluster = start();
    let naive = |key| {
        let node = cluster.master_of(&format!("naive:{key}"));
        Naive::new(cluster.addrs()[node], 1)
    };
    let naive = block_in_place(|| (0..Mix::default().keys).map(naive).collect());
    let run = run(
        "naive on a cluster",
        RUN,
        Arc::new(Scattered(naive)),
        async {},
    )
    .await;
    let report = run.check();
    assert!(report.stale > 0, "the checker is blind: {report}");
}

/// Case 33.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_where_entries_and_stamps_are_on_three_nodes() {
    let cluster = start();
    let nodes: HashSet<usize> = block_in_place(|| NAMES.map(|name| cluster.master_of(name))).into();
    assert_eq!(nodes.len(), 3, "the names are on all nodes");
    for (name, larder) in [
        ("on three nodes, far only", far_only(&cluster, patient)),
        ("on three nodes, near and far", both(&cluster, patient)),
    ] {
        let run = run(name, RUN, larder, async {}).await;
        let report = fresh(&run);
        assert!(report.hit_ratio() > 0.5, "{report}");
        assert_eq!(run.failed, 0, "{:?}", run.failure);
    }
}

/// Case 32.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_and_no_lost_invalidation_while_slots_migrate() {
    let cluster = start();
    for (name, larder) in [
        ("slots migrate, far only", far_only(&cluster, patient)),
        ("slots migrate, near and far", both(&cluster, patient)),
    ] {
        let moving = Arc::clone(&cluster);
        let migrate = spawn_blocking(move || {
            for (at, name) in NAMES.into_iter().cycle().enumerate().take(20) {
                let slot = moving.slot(name);
                let to = (moving.master_of_slot(slot) + 1 + at % 2) % 3;
                moving.migrate(slot, to, || std::thread::sleep(Duration::from_millis(40)));
                std::thread::sleep(Duration::from_millis(60));
            }
        });
        let migrate = async { migrate.await.expect("slots can be moved") };
        let run = run(name, RUN, larder.clone(), migrate).await;
        let report = fresh(&run);
        assert!(report.hit_ratio() > 0.3, "{report}");
        assert_eq!(run.failed, 0, "{:?}", run.failure);
        assert_eq!(larder.sum(|stats| stats.far_errors), 0);
    }
}

/// Cases 30 and 31 under load: what was confirmed is known to the replica that takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_masters_are_replaced() {
    type Strike = fn(&RedisCluster, usize);
    let strikes: [(&str, Strike); 3] = [
        ("a master killed", RedisCluster::kill),
        ("a master stopped, and going on later", RedisCluster::stop),
        ("a master that steps back", |cluster, at| {
            cluster.take_over(at);
        }),
    ];
    for (name, strike) in strikes {
        let cluster = start();
        let larder = far_only(&cluster, usual);
        let struck = Arc::clone(&cluster);
        let strike = spawn_blocking(move || {
            std::thread::sleep(Duration::from_secs(2));
            let slot = struck.slot(NAMES[0]);
            let victim = struck.master_of_slot(slot);
            strike(&struck, victim);
            struck.await_takeover(slot);
            if name.contains("stopped") {
                std::thread::sleep(Duration::from_secs(1));
                struck.cont(victim);
            }
        });
        let strike = async { strike.await.expect("another takes over") };
        let run = run(name, LONG_RUN, larder, strike).await;
        let report = fresh(&run);
        assert!(
            report.hits > 0 && report.slowest < Duration::from_secs(1),
            "{report}"
        );
    }
}

/// A key whose entry lies on another master than the stamp over all, and that master.
fn apart(cluster: &RedisCluster) -> (String, usize) {
    let guarded = cluster.master_of("larder:g:n");
    let victim = (guarded + 1) % 3;
    let name = cluster.key_on(victim, "larder:e:spots:");
    let key = name
        .strip_prefix("larder:e:")
        .expect("the start of an entry");
    (key.to_owned(), victim)
}

/// Reads until the node of the key answers.
async fn read(cache: &Cache, key: &str) -> Option<u64> {
    // While its node is away, a key is absent; what is set tells when that is over.
    let probe = format!("{key}:probe");
    let back = async {
        while cache.set(&probe, &1_u64).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let back = timeout(PATIENCE, back).await;
    back.expect("the node of the key is back");
    cache.get(key).await.expect("it answers")
}

/// Case 35 here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_restarts_from_an_old_snapshot_holds_nothing_that_is_valid() {
    let cluster = start();
    let (key, victim) = block_in_place(|| apart(&cluster));
    let cache = patient(&cluster).build().expect(FINE);
    cache.set(&key, &1_u64).await.expect("set");
    block_in_place(|| {
        // Nobody is to take over.
        cluster.kill(victim + 3);
        cluster.node(victim).raw(&["SAVE"]);
    });
    let removing = async {
        // Until it is noticed that there is no replica any more, none confirms.
        while cache.remove(&key).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let removed = timeout(PATIENCE, removing).await;
    removed.expect("removed");
    block_in_place(|| {
        cluster.restart(victim);
        let (mut client, end) = (cluster.node(victim).client(), Instant::now() + PATIENCE);
        let entry = ["EXISTS", &format!("larder:e:{key}")];
        // For some seconds it waits for others to tell that it was replaced.
        while client.command(&entry).expect("it runs") != Reply::Int(1) {
            assert!(Instant::now() < end, "it is there again");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    for cache in [cache, patient(&cluster).build().expect(FINE)] {
        assert_eq!(read(&cache, &key).await, None);
    }
}

/// What was confirmed by a master alone, and is lost with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_has_missed_is_not_read_when_it_takes_over() {
    let cluster = start();
    let (key, victim) = block_in_place(|| apart(&cluster));
    let redis = Redis::builder(cluster.url()).deadline(Duration::from_secs(5));
    let redis = redis.replica_patience(Duration::ZERO).build().expect(FINE);
    let cache = Cache::builder()
        .far(redis)
        .outage_budget(Duration::from_secs(5));
    let cache = cache.build().expect(FINE);
    cache.set(&key, &1_u64).await.expect("set");
    block_in_place(|| {
        cluster.node(victim).raw(&["WAIT", "1", "5000"]);
        cluster.stop(victim + 3);
        cluster
            .node(victim)
            .raw(&["CLIENT", "KILL", "TYPE", "replica"]);
    });
    cache.remove(&key).await.expect("removed");
    block_in_place(|| {
        let entry = format!("larder:e:{key}");
        let slot = cluster.slot(&entry);
        cluster.kill(victim);
        cluster.cont(victim + 3);
        assert_eq!(cluster.await_takeover(slot), victim + 3);
        let there = cluster.node(victim + 3).raw(&["EXISTS", &entry]).int();
        assert_eq!(there, Some(1), "it has missed nothing");
    });
    for cache in [cache, patient(&cluster).build().expect(FINE)] {
        assert_eq!(read(&cache, &key).await, None);
    }
}

#[cached(ttl = 60, key = "braces:<id>", cache = cache, skip(cache))]
async fn echo(cache: &Cache, id: String) -> Result<String, Infallible> {
    Ok(id)
}

/// What stands in braces would decide alone where a name lies, so that whoever chooses values
/// could put them all on one node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_in_a_key_chooses_its_slot() {
    let cluster = start();
    let cache = patient(&cluster).build().expect(FINE);
    for at in 0..30 {
        let id = format!("{{same}}{at}");
        assert_eq!(echo(&cache, id.clone()).await, Ok(id));
    }
    for node in 0..3 {
        let Reply::Array(names) = block_in_place(|| cluster.node(node).raw(&["KEYS", "*"])) else {
            panic!("KEYS answers with a list");
        };
        let names = names.iter().map(|name| name.text().expect("a name"));
        let entries: Vec<&str> = names
            .filter(|name| name.starts_with("larder:e:braces:"))
            .collect();
        assert!(entries.len() > 2, "all on one node? {entries:?}");
        assert!(
            entries.iter().all(|name| !name.contains('{')),
            "{entries:?}"
        );
    }
}
