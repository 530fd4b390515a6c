//! A master that is replaced costs no more than a server that is away, and the next is found.

use std::sync::Arc;

use test_support::SentinelGroup;
use tokio::task::{block_in_place, spawn_blocking};

use super::trial::Trial;

/// Breaks the master of a new group, and judges from the switch on. What broke it may be undone
/// afterwards.
async fn replaced(fault: &'static str, act: impl FnOnce(&SentinelGroup)) {
    let group = Arc::new(block_in_place(|| SentinelGroup::start(2)));
    let trial = Trial::healthy(&group.url()).await;
    let old = Arc::clone(group.master());
    let outage = trial.begin(fault);
    block_in_place(|| act(&group));
    let switching = {
        let group = Arc::clone(&group);
        spawn_blocking(move || group.await_switch(&old))
    };
    switching.await.expect("another master");
    outage.over().await;
}

/// Case 27.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed_is_replaced() {
    replaced("Sentinel: master killed", |group| group.master().kill()).await;
}

/// Case 28.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_is_replaced() {
    replaced("Sentinel: master stopped", |group| group.master().stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_steps_back_is_followed() {
    replaced("Sentinel: failover on demand", SentinelGroup::fail_over).await;
}
