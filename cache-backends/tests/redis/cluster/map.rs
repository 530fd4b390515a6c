//! The map of a cluster is read again whenever it is found wanting, from those who know best.

use std::time::{Duration, Instant};

use cache_backends::Redis;
use cache_core::{Backend, ErrorKind};
use test_support::RedisCluster;
use tokio::time::sleep;

use super::{
    caller::write,
    outage::{PARTIAL, blocking, start},
};

/// How long a busy machine may take to find out.
const FOUND: Duration = Duration::from_secs(10);

fn patient(cluster: &RedisCluster) -> Redis {
    let redis = Redis::builder(cluster.url()).deadline(Duration::from_secs(5));
    redis.build().unwrap()
}

async fn written(redis: &Redis, name: &str) {
    let began = Instant::now();
    while let Err(error) = write(redis, name, 1).await {
        assert!(began.elapsed() < FOUND, "{error}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// As in a cluster that is only being made, or mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_nobody_has_is_served_as_soon_as_somebody_has_it() {
    let cluster = start(PARTIAL).await;
    let name = cluster.key_on(0, "late:");
    let slot = cluster.slot(&name).to_string();
    let early = patient(&cluster);
    written(&early, &name).await;
    for node in 0..6 {
        cluster.node(node).raw(&["CLUSTER", "DELSLOTS", &slot]);
    }
    let late = patient(&cluster);
    for redis in [&early, &late] {
        let error = write(redis, &name, 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert_eq!(redis.read(&[&name]).await.unwrap(), [None]);
    }
    cluster.node(1).raw(&["CLUSTER", "ADDSLOTS", &slot]);
    for redis in [&late, &early] {
        written(redis, &name).await;
    }
}

/// It takes connections and answers as before, but only to say that it can do nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_cut_off_is_left_when_another_has_its_slots() {
    let cluster = start(&[]).await;
    let redis = patient(&cluster);
    let name = cluster.key_on(0, "cut:");
    written(&redis, &name).await;
    let cutting = std::sync::Arc::clone(&cluster);
    blocking(move || {
        for other in 1..6 {
            let id = cutting.node(other).raw(&["CLUSTER", "MYID"]);
            let id = id.text().expect("a node has a name");
            cutting.node(0).raw(&["CLUSTER", "FORGET", id]);
        }
        cutting.node(3).raw(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    })
    .await;
    written(&redis, &name).await;
    let there = cluster.node(3).raw(&["EXISTS", &name]);
    assert_eq!(there.int(), Some(1));
}

/// As in a network of containers that is only their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_cannot_be_reached_are_named() {
    let cluster = start(&["--cluster-preferred-endpoint-type", "hostname"]).await;
    // Nobody is at the first, and to the second nothing is ever sent in plain text.
    for (host, why) in [("127.0.0.77", "refused"), ("192.0.2.1", "insecure")] {
        for node in 0..6 {
            let announce = ["CONFIG", "SET", "cluster-announce-hostname", host];
            cluster.node(node).raw(&announce);
        }
        let began = Instant::now();
        loop {
            // Until the nodes have told each other, some can be reached.
            let outcome = patient(&cluster).read(&["name"]).await;
            let text = format!("{outcome:?}");
            if text.contains(&format!("{host}:")) && text.contains(why) {
                break;
            }
            assert!(began.elapsed() < FOUND, "{text}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
