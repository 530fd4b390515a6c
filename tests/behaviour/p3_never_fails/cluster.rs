//! A master of a cluster that is replaced costs no more than a server that is away, and the next
//! is found; what others hold goes on meanwhile.

use std::sync::Arc;

use test_support::RedisCluster;
use tokio::task::{block_in_place, spawn_blocking};

use super::trial::Trial;

/// Breaks the master of the stamp that every read needs, and judges from the takeover on.
async fn replaced(fault: &'static str, strike: impl FnOnce(&RedisCluster, usize)) {
    let cluster = Arc::new(block_in_place(|| RedisCluster::start(&[])));
    let trial = Trial::healthy(&cluster.url()).await;
    let slot = block_in_place(|| cluster.slot("larder:g:n"));
    let outage = trial.begin(fault);
    block_in_place(|| strike(&cluster, cluster.master_of_slot(slot)));
    let taking_over = spawn_blocking(move || {
        cluster.await_takeover(slot);
        cluster
    });
    let _cluster = taking_over.await.expect("another takes over");
    outage.over().await;
}

/// Case 30.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_a_cluster_that_is_killed_is_replaced() {
    replaced("cluster: master killed", RedisCluster::kill).await;
}

/// Case 31.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_a_cluster_that_hangs_is_replaced() {
    replaced("cluster: master stopped", RedisCluster::stop).await;
}
