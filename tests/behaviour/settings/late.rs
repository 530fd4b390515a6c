//! A server that is absent at the start: the near tier works alone, and the far tier as soon as the
//! server is there, without a word.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use larder::{Cache, cached};
use test_support::RedisServer;
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use super::settings;

/// Within this the far tier is used.
const BACK: Duration = Duration::from_secs(2);
/// A machine that is busy with other tests may need longer, but not each time.
const ATTEMPTS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);

#[cached(key = "late:<id>", cache = cache, skip(cache, runs))]
async fn late(cache: &Cache, runs: &AtomicU32, id: u32) -> u32 {
    runs.fetch_add(1, Ordering::SeqCst);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_near_tier_works_alone_until_the_server_is_there() {
    for attempt in 1..=ATTEMPTS {
        let took = attempt_to_use_a_server_that_comes_late().await;
        println!("the far tier is used {took:?} after the server is there");
        if took < BACK {
            return;
        }
        assert!(
            attempt < ATTEMPTS,
            "not within {BACK:?} in {ATTEMPTS} attempts"
        );
    }
}

/// How long after the start of the server its far tier was used.
async fn attempt_to_use_a_server_that_comes_late() -> Duration {
    let server = RedisServer::start(&[]);
    block_in_place(|| server.kill());
    let port = server.port().to_string();
    let pairs = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &*port)];
    let cache = || Cache::from_settings(&settings(&pairs)).expect("settings in order");
    let (cache, peer) = (cache(), cache());
    let runs = AtomicU32::new(0);
    let loads = || runs.load(Ordering::SeqCst);

    assert_eq!(late(&cache, &runs, 1).await, 1);
    for _ in 0..100 {
        assert_eq!(late(&cache, &runs, 1).await, 1);
    }
    assert_eq!((loads(), cache.stats().total.near_hits), (1, 100));

    block_in_place(|| server.restart());
    let begun = Instant::now();
    let shared = async {
        // Each round is a key of its own, which the peer can know by the far tier only.
        for id in 2.. {
            late(&cache, &runs, id).await;
            let before = loads();
            assert_eq!(late(&peer, &runs, id).await, id);
            if loads() == before {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let used = timeout(PATIENCE, shared).await;
    used.expect("the far tier is used in the end");
    begun.elapsed()
}
