//! What a node held before it went away is not believed when it comes back with it, wherever the
//! stamps lie that it agrees with.

use std::{sync::Arc, time::Duration};

use cache_backends::Redis;
use cache_core::Backend;
use test_support::RedisCluster;

use super::outage::{blocking, start};
use crate::probe::{prepare, store};

fn guarded(cluster: &RedisCluster, stamp: &str) -> Redis {
    let redis = Redis::builder(cluster.url()).deadline(Duration::from_secs(5));
    let redis = redis.build().unwrap();
    redis.guard(stamp);
    redis
}

/// The stamp lies on a node that is well, and is read from it before the other is connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_read_of_a_process_does_not_pair_old_data_with_its_stamp() {
    let cluster = start(&[]).await;
    for (round, stamp_on) in [1, 2, 1, 2].into_iter().enumerate() {
        let slot = cluster.key_on(0, &format!("slot:{round}:"));
        let stamp = cluster.key_on(stamp_on, &format!("stamp:{round}:"));
        let before = guarded(&cluster, &stamp);
        let prepared = prepare(&before, &slot, &[(&stamp, 7)]).await.unwrap();
        assert!(prepared.leased);
        assert!(store(&before, &slot, b"old").await.unwrap());
        drop(before);
        let returning = Arc::clone(&cluster);
        blocking(move || {
            returning.node(0).raw(&["SAVE"]);
            returning.kill(0);
            returning.restart(0);
            returning.await_takeover(0);
        })
        .await;
        assert_eq!(cluster.master_of(&slot), 0);
        assert_eq!(cluster.node(0).raw(&["EXISTS", &slot]).int(), Some(1));

        let after = guarded(&cluster, &stamp);
        let read = after.read(&[&slot, &stamp]).await.unwrap();
        assert!(
            read.iter().any(Option::is_none),
            "in round {round}: {read:?}"
        );
    }
}
