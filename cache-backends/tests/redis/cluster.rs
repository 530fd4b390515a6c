//! The far tier on a cluster of six nodes: the contract, and where each name goes.

mod caller;
mod feed;
mod outage;

use std::sync::LazyLock;

use cache_backends::Redis;
use test_support::RedisCluster;

/// A cluster that no test breaks. It ends with the process.
static SHARED: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start(&[]));

fn redis() -> Redis {
    Redis::connect(SHARED.url()).unwrap()
}

cache_core::conformance!(redis());
