//! Sentinels put a replica in the place of a master that is gone, and everybody hears of it.

use std::time::{Duration, Instant};

use test_support::SentinelGroup;

fn role(server: &test_support::RedisServer) -> String {
    server.info("role").expect("a field")
}

#[test]
fn a_killed_master_is_replaced_and_comes_back_as_a_replica() {
    let group = SentinelGroup::start(2);
    let [old, replicas @ ..] = group.servers() else {
        panic!("there are three servers");
    };
    assert_eq!(group.master().port(), old.port());
    assert!(replicas.iter().all(|replica| role(replica) == "slave"));
    old.raw(&["SET", "k", "v"]);
    group.await_in_sync(2);

    old.kill();
    let killed = Instant::now();
    let switched = group.await_switch(old);
    assert!(switched - killed >= Duration::from_millis(500), "too soon");
    let new = group.master();
    assert_ne!(new.port(), old.port());
    assert_eq!(role(new), "master");
    assert_eq!(new.raw(&["GET", "k"]).text(), Some("v"));
    assert_eq!(group.replicas().len(), 2);

    old.restart();
    group.await_in_sync(2);
    assert_eq!(role(old), "slave");
    assert_eq!(old.raw(&["GET", "k"]).text(), Some("v"));
}

#[test]
fn a_living_master_is_replaced_on_demand() {
    let group = SentinelGroup::start(1);
    let old = group.master();
    group.fail_over();
    group.await_switch(old);
    assert_ne!(group.master().port(), old.port());
}
