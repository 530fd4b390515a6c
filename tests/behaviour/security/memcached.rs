//! No argument and no key by hand is a command to memcached, whose keys end where a line does.

use std::time::Duration;

use larder::{Cache, ErrorKind, Memcached, cached};
use test_support::MemcachedServer;
use tokio::task::block_in_place;

use super::{AWKWARD, FINE};

const INJECTED: &str = "1 v\r\nflush_all\r\nmg 1";

#[cached(key = "users:<id>", cache = cache, skip(cache))]
async fn user(cache: &Cache, id: &str) -> String {
    id.to_owned()
}

/// What the codec refuses by itself is shown in `cache-backends/tests/memcached/limits.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_ends_in_arguments_and_keys_reach_no_server() {
    let server = MemcachedServer::start(&[]);
    let long = Duration::from_secs(5);
    let memcached = Memcached::builder([server.address()])
        .deadline(long)
        .build();
    let cache = Cache::builder()
        .far(memcached.expect(FINE))
        .outage_budget(long);
    let cache = cache.build().expect(FINE);
    cache.set("sentinel", &1u8).await.expect("it runs");
    for id in AWKWARD.into_iter().chain([INJECTED]) {
        for _ in 0..2 {
            assert_eq!(user(&cache, id).await, id);
        }
    }
    let stats = cache.stats().total;
    assert_eq!((stats.far_hits, stats.far_errors), (stats.loads, 0));
    for key in [INJECTED, "a\nb", "a\rb", "a\0b"] {
        let refused = cache.set(key, &1u8).await.expect_err("it is no key");
        assert_eq!(refused.kind(), ErrorKind::Config, "{refused}");
    }
    cache.set("with blanks in it", &2u8).await.expect("it runs");
    let read = cache.get::<u8>("with blanks in it").await;
    assert_eq!(read.expect("it runs"), Some(2));
    assert_eq!(cache.get::<u8>("sentinel").await.expect("it runs"), Some(1));
    let flushed = block_in_place(|| server.stat("cmd_flush"));
    assert_eq!(flushed.as_deref(), Some("0"));
}
