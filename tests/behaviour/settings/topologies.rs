//! Sentinels and clusters, by a url and by parts.

use test_support::{Client, RedisCluster, Reply, SentinelGroup};
use tokio::task::block_in_place;

use super::{cache, is_used, words};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_is_found_by_its_sentinels() {
    let group = block_in_place(|| SentinelGroup::start(0));
    let master = group.master();
    master.raw(&[
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">p@ss/word",
        "~*",
        "&*",
        "+@all",
    ]);
    for sentinel in group.sentinels() {
        let mut client = Client::connect(sentinel.addr()).expect("a sentinel listens");
        let locked = client.command(&["ACL", "SETUSER", "default", "resetpass", ">asked"]);
        assert!(matches!(locked, Ok(Reply::Status(_))), "{locked:?}");
    }
    let hosts = group.addrs().join(", ");
    let url = format!("redis+sentinel://{}", group.addrs().join(","));
    let by_parts = [
        ("CACHE_TYPE", "redis-sentinel"),
        ("REDIS_HOST", &*hosts),
        ("REDIS_SENTINEL_MASTER", SentinelGroup::NAME),
        ("REDIS_SENTINEL_PASSWORD", "asked"),
        ("REDIS_USER", "app"),
        ("REDIS_PASSWORD", "p@ss/word"),
        ("REDIS_DB", "2"),
    ];
    let of_parts = cache(&by_parts);
    is_used(&of_parts).await;
    let clients = master.raw(&["CLIENT", "LIST"]);
    let clients = clients.text().unwrap_or_default();
    assert!(
        clients.contains("user=app") && clients.contains("db=2"),
        "{clients}"
    );
    // The name of the master alone says what is meant.
    is_used(&cache(&by_parts[1..])).await;
    let mut by_url = by_parts;
    by_url[1] = ("REDIS_URL", &url);
    is_used(&cache(&by_url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_found_by_any_of_its_servers() {
    let cluster = block_in_place(|| RedisCluster::start(&[]));
    let url = cluster.url();
    is_used(&cache(&[("REDIS_URL", &url)])).await;
    let addrs: Vec<String> = cluster.addrs().iter().map(ToString::to_string).collect();
    let hosts = addrs[..2].join(",");
    is_used(&cache(&[
        ("CACHE_TYPE", "redis-cluster"),
        ("REDIS_HOST", &hosts),
    ]))
    .await;
}

#[test]
fn what_does_not_fit_a_topology_is_named() {
    let said = words(&[
        ("CACHE_TYPE", "redis-sentinel"),
        ("REDIS_HOST", "localhost"),
    ]);
    assert_eq!(
        said,
        "`REDIS_SENTINEL_MASTER` is not set: write the name that the sentinels know the master by"
    );
    let said = words(&[("CACHE_TYPE", "redis-cluster"), ("REDIS_DB", "1")]);
    assert_eq!(
        said,
        "`REDIS_DB` is `1`: a cluster has database 0 only, so leave it out"
    );
    let said = words(&[("CACHE_TYPE", "redis-cluster"), ("REDIS_PROTOCOL", "unix")]);
    assert!(
        said.starts_with(
            "`REDIS_PROTOCOL` is `unix`: sentinels and clusters are not reached by one socket"
        ),
        "{said}"
    );
}
