//! Six nodes are one cluster, which fails over and moves slots.

use std::{
    thread,
    time::{Duration, Instant},
};

use test_support::{RedisCluster, Reply};

#[test]
fn a_cluster_fails_over_and_moves_slots() {
    let began = Instant::now();
    let cluster = RedisCluster::start(&[]);
    println!("started in {:?}", began.elapsed());

    // The check value of the algorithm, by the server's own word.
    assert_eq!(cluster.slot("123456789"), 0x31C3);
    let key = cluster.key_on(1, "k:");
    let (slot, command) = (cluster.slot(&key), ["SET", &key, "v"]);
    let refused = cluster.node(0).client().command(&command).unwrap();
    assert!(refused.text().unwrap().starts_with("MOVED"), "{refused:?}");
    cluster.node(1).raw(&command);

    let mut pauses = 0;
    cluster.migrate(slot, 2, || pauses += 1);
    assert_eq!(pauses, 3, "announced, moved, told");
    assert_eq!(cluster.master_of(&key), 2);
    assert_eq!(cluster.node(2).raw(&["GET", &key]).text(), Some("v"));

    // The replica has it.
    assert_eq!(cluster.node(2).raw(&["WAIT", "1", "5000"]), Reply::Int(1));
    cluster.stop(2);
    let stopped = Instant::now();
    assert_eq!(cluster.await_takeover(slot), 5);
    println!("taken over after {:?}", stopped.elapsed());
    assert_eq!(cluster.node(5).raw(&["GET", &key]).text(), Some("v"));
    cluster.cont(2);
    let deadline = Instant::now() + Duration::from_secs(20);
    while cluster.node(2).info("role").as_deref() != Some("slave") {
        assert!(Instant::now() < deadline, "the old master does not yield");
        thread::sleep(Duration::from_millis(10));
    }

    cluster.kill(0);
    let slot = cluster.slot(&cluster.key_on(0, "x:"));
    assert_eq!(cluster.await_takeover(slot), 3);
    cluster.restart(0);
    // It thinks of itself as the master until it has heard of the others.
    assert_eq!(cluster.await_takeover(slot), 3);
}
