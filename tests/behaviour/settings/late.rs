//! A server that is absent at the start: the near tier works alone, and the far tier as soon as the
//! server is there, without a word.

use std::time::{Duration, Instant};

use larder::{Cache, cached};
use test_support::RedisServer;
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use super::cache;

/// After this the far tier has to be used, and then what a busy machine may add.
const BACK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);

#[cached(key = "late:<id>", cache = cache, skip(cache, runs))]
async fn late(cache: &Cache, runs: &std::sync::atomic::AtomicU32, id: u32) -> u32 {
    runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_near_tier_works_alone_until_the_server_is_there() {
    let server = RedisServer::start(&[]);
    block_in_place(|| server.kill());
    let port = server.port().to_string();
    let pairs = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &*port)];
    let (cache, peer) = (cache(&pairs), cache(&pairs));
    let runs = std::sync::atomic::AtomicU32::new(0);
    let loads = || runs.load(std::sync::atomic::Ordering::SeqCst);

    assert_eq!(late(&cache, &runs, 1).await, 1);
    assert_eq!(loads(), 1);
    for _ in 0..100 {
        assert_eq!(late(&cache, &runs, 1).await, 1);
    }
    assert_eq!((loads(), cache.stats().total.near_hits), (1, 100));

    block_in_place(|| server.restart());
    let begun = Instant::now();
    let shared = async {
        // Each round is a key of its own, so that nothing but the far tier can know it.
        for id in 2.. {
            late(&cache, &runs, id).await;
            let before = loads();
            late(&peer, &runs, id).await;
            if loads() == before {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(BACK + PATIENCE, shared)
        .await
        .expect("the far tier is used");
    let took = begun.elapsed();
    println!("the far tier is used {took:?} after the start of the server");
    assert!(took < BACK || took < BACK + PATIENCE, "{took:?}");
}
