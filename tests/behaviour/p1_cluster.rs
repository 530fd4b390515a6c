//! P1 over a cluster, deterministically: what a node holds that comes back, or takes over, with less
//! than was confirmed. What the chance of a long race finds is shown by `tests/faults`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use larder::{Cache, CacheBuilder, Redis, cached};
use test_support::{RedisCluster, Reply};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

/// By when a node must be back.
const PATIENCE: Duration = Duration::from_secs(10);
const FINE: &str = "the settings are in order";

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
