//! Who belongs to a cluster is found out from any of its nodes, and followed from then on.

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, ErrorKind};
use test_support::{RedisCluster, RedisServer};
use tokio::time::{sleep, timeout};

use super::{
    SHARED,
    caller::{names, write},
    outage::{blocking, start},
};
use crate::probe::{MINE, prepare, store};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn patient(redis: cache_backends::RedisBuilder) -> Redis {
    redis.deadline(millis(5_000)).build().unwrap()
}

/// Writes and reads a name of each master.
async fn serves(redis: &Redis, cluster: &RedisCluster) {
    for (at, name) in names(cluster).into_iter().enumerate() {
        let value = at as u64;
        write(redis, &name, value).await.unwrap();
        let read = redis.read(&[&name]).await.unwrap().remove(0);
        assert_eq!(read.as_deref(), Some(&value.to_be_bytes()[..]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_leads_to_all() {
    let cluster = blocking(|| &*SHARED).await;
    for addr in cluster.addrs() {
        let redis = patient(Redis::cluster([addr.to_string()]));
        serves(&redis, cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_that_hangs_or_is_dead_delays_nothing() {
    let cluster = blocking(|| &*SHARED).await;
    // It takes connections, and answers nothing.
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = [(); 4].map(|()| listen());
    let dead = listen().local_addr().unwrap();
    let seeds = hung.iter().map(|hung| hung.local_addr().unwrap());
    let seeds = seeds.chain([dead, cluster.addrs()[4]]);
    let seeds = seeds.map(|addr| addr.to_string());
    let redis = patient(Redis::cluster(seeds));
    let began = Instant::now();
    serves(&redis, cluster).await;
    // What hangs is given a second each.
    assert!(
        began.elapsed() < millis(1_500),
        "took {:?}",
        began.elapsed()
    );
}

#[test]
fn no_call_fails_when_one_runtime_follows_another() {
    let cluster = &*SHARED;
    let redis = patient(Redis::builder(cluster.url()));
    for _ in 0..3 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(serves(&redis, cluster));
    }
}

#[tokio::test]
async fn a_server_of_no_cluster_is_told_from_one_that_is_away() {
    let server = RedisServer::start(&[]);
    let redis = Redis::cluster([server.addr().to_string()]).build().unwrap();
    let error = redis.read(&["name"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("part of no cluster"), "{error}");

    server.kill();
    let redis = Redis::cluster([server.addr().to_string()]).build().unwrap();
    let error = redis.read(&["name"]).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_found_whatever_they_call_themselves() {
    let cluster = start(&["--cluster-announce-hostname", "localhost"]).await;
    for kind in ["hostname", "unknown-endpoint", "ip"] {
        for node in 0..6 {
            let command = ["CONFIG", "SET", "cluster-preferred-endpoint-type", kind];
            cluster.node(node).raw(&command);
        }
        let redis = patient(Redis::cluster([cluster.addrs()[1].to_string()]));
        timeout(millis(5_000), serves(&redis, &cluster))
            .await
            .expect(kind);
    }
}

/// The connections that others than the test itself have to a node.
fn connections(cluster: &RedisCluster, node: usize) -> usize {
    let list = cluster
        .node(node)
        .raw(&["CLIENT", "LIST", "TYPE", "normal"]);
    list.text().expect("a list").lines().count() - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_no_master_any_more_is_left_alone() {
    let cluster = start(&[]).await;
    let redis = patient(Redis::builder(cluster.url()));
    serves(&redis, &cluster).await;
    assert!(connections(&cluster, 0) >= 2);
    let stepping = Arc::clone(&cluster);
    let next = blocking(move || stepping.take_over(0)).await;
    let names = names_of(&cluster, next);
    let left = async {
        while connections(&cluster, 0) > 0 {
            write(&redis, &names, 1).await.unwrap();
            sleep(millis(5)).await;
        }
    };
    timeout(millis(5_000), left).await.expect("it is left");
    assert!(connections(&cluster, next) >= 2);
}

fn names_of(cluster: &RedisCluster, node: usize) -> String {
    cluster.key_on(node, "next:")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_on_the_move_is_served_all_the_time() {
    let cluster = start(&[]).await;
    let redis = patient(Redis::builder(cluster.url()));
    let moving = Arc::clone(&cluster);
    let name = cluster.key_on(0, "moving:");
    let (slot, name) = (cluster.slot(&name), name);
    let (beside, gone) = (format!("{{{name}}}:beside"), format!("{{{name}}}:gone"));
    write(&redis, &name, 0).await.unwrap();
    let migrating = tokio::task::spawn_blocking(move || {
        for at in 0..6 {
            moving.migrate(slot, (at + 1) % 3, || std::thread::sleep(millis(60)));
        }
    });
    let mut rounds = 0_u64;
    while !migrating.is_finished() {
        rounds += 1;
        // What is there goes with the slot; what is not there yet is made where it goes.
        let prepared = prepare(&redis, &beside, &[(&name, 7), (&gone, 7)])
            .await
            .unwrap();
        assert!(prepared.leased, "in round {rounds}");
        assert_eq!(prepared.stamps, [rounds - 1, 7], "in round {rounds}");
        assert!(store(&redis, &beside, b"stored").await.unwrap());
        let read = redis.read(&[&name, &beside, &gone]).await.unwrap();
        let lengths: Vec<_> = read
            .iter()
            .map(|it| it.as_ref().map(bytes::Bytes::len))
            .collect();
        assert_eq!(lengths, [Some(8), Some(MINE.len() + 6), Some(8)]);
        write(&redis, &name, rounds).await.unwrap();
        let change = cache_core::Invalidate {
            slots: &[&beside, &gone],
            stamps: &[],
            stamp_ttl: millis(1_000),
            channel: "",
            notice: b"",
        };
        redis.invalidate(change).await.unwrap();
    }
    migrating.await.unwrap();
    println!("{rounds} rounds");
    assert!(rounds > 20);
}
