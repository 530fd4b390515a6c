//! The far tier on a cluster of six nodes: the contract, and where each name goes.

mod caller;
mod feed;
mod fence;
mod map;
mod members;
mod outage;

use std::{sync::LazyLock, time::Duration};

use cache_backends::Redis;
use test_support::RedisCluster;

/// A cluster that no test breaks. It ends with the process.
static SHARED: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start(&[]));

/// For which a busy machine is no outage.
fn redis() -> Redis {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(SHARED.url()).deadline(long);
    redis.replica_patience(long / 2).build().unwrap()
}

cache_core::conformance!(redis());

/// What the documentation of [`Redis`] tells to give a user.
const RIGHTS: &str = "+hello +auth +role +info +mget +get +set +unlink +getrange +pexpire +eval \
                      +evalsha +wait +publish +subscribe +client|tracking +asking +cluster|slots \
                      +cluster|info +spublish +ssubscribe";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough() {
    use cache_core::{Backend, testkit::far};

    let mut user = vec!["ACL", "SETUSER", "narrow", "on", ">secret"];
    user.extend(["~conformance:*", "&conformance:*", "-@all"]);
    user.extend(RIGHTS.split_whitespace());
    let url = tokio::task::spawn_blocking(move || {
        for node in 0..6 {
            SHARED.node(node).raw(&user);
        }
        SHARED.url().replace("://", "://narrow:secret@")
    });
    let redis = Redis::builder(url.await.unwrap()).deadline(Duration::from_secs(5));
    let redis = redis.build().unwrap();
    redis.guard("conformance:guarded");
    far::values_come_back_in_the_order_asked(&redis).await;
    far::stamps_are_given_in_the_order_asked(&redis).await;
    far::a_lease_over_a_seen_header_is_given_for_that_header_only(&redis).await;
    far::a_store_replaces_the_header_it_names(&redis).await;
    far::a_store_raises_the_life_of_its_stamps(&redis).await;
    far::an_invalidation_removes_slots_and_moves_stamps(&redis).await;
    far::a_notice_arrives_after_the_change_it_announces(&redis).await;
    far::a_feed_is_connected_and_then_alive(&redis).await;
    let noted = |node| {
        SHARED
            .node(node)
            .raw(&["KEYS", "conformance:guarded:run:*"])
    };
    let noted = tokio::task::spawn_blocking(move || [0, 1, 2].map(noted));
    for marks in noted.await.unwrap() {
        assert_ne!(
            marks,
            test_support::Reply::Array(Vec::new()),
            "a node unguarded"
        );
    }
}
