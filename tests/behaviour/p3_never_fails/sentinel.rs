//! A master that is replaced costs no more than a server that is away, and the next is found.

use std::sync::Arc;

use test_support::SentinelGroup;
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::{sleep, timeout},
};

use super::{
    millis,
    trial::{NEVER, Trial},
};

/// Breaks the master of a new group, and judges from the switch on.
async fn replaced(fault: &'static str, act: impl FnOnce(&SentinelGroup)) {
    let group = Arc::new(block_in_place(|| SentinelGroup::start(2)));
    let trial = Trial::healthy(&group.url()).await;
    let old = Arc::clone(group.master());
    let before = trial.errors();
    let outage = trial.begin(fault);
    block_in_place(|| act(&group));
    let switching = {
        let (group, old) = (Arc::clone(&group), Arc::clone(&old));
        spawn_blocking(move || group.await_switch(&old))
    };
    switching.await.expect("another master");
    // One that lives, and has not yet been told, is used until this is noticed.
    let noticed = async {
        while trial.errors() == before {
            sleep(millis(1)).await;
        }
    };
    let noticed = timeout(NEVER, noticed).await;
    noticed.expect("another master is noticed");
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
