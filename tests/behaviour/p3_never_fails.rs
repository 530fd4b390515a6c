//! P3 where nothing can run in the background, where a step of the far tier hangs, and where a
//! setting is meant as "for ever". What real servers do to calls is shown by `tests/faults`.

use std::{
    future::pending,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use larder::{Cache, Moka, Redis, SetOptions, invalidate_cache};
use test_support::RedisServer;
use tokio::{
    runtime::Builder,
    time::{sleep, timeout},
};

use self::rows::{first_use, processes};
use crate::world::{Source, near_cache};

mod hung;
mod rows;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Not even where nothing can run in the background.
#[test]
fn the_first_use_outside_of_a_runtime_panics_not() {
    for cache in processes("redis://127.0.0.1:1", "redis://127.0.0.1:1") {
        let mut using = pin!(first_use(&cache));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(using.as_mut().poll(&mut context), Poll::Ready(()));
    }
}

/// Nor where one caller waits for another, on whatever else runs futures.
#[test]
fn waiting_outside_of_a_runtime_panics_not() {
    let (cache, source) = (near_cache(), Source::closed());
    let call = async || {
        let load = async || Ok::<_, String>(source.load().await);
        cache.get_or_load("row", load).await
    };
    let mut context = Context::from_waker(Waker::noop());
    let (mut first, mut second) = (Box::pin(call()), Box::pin(call()));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    source.let_one();
    for call in [first, second] {
        assert_eq!(pin!(call).poll(&mut context), Poll::Ready(Ok(1)));
    }
    assert_eq!(source.loads(), 1);
}

/// A write may be given up where nothing can be told to the far tier any more.
#[test]
fn a_write_that_ends_outside_of_a_runtime_is_told_later() {
    #[invalidate_cache(keys = ["rows:1"], cache = cache)]
    async fn write_for_ever(cache: &Cache) {
        pending().await
    }
    let server = RedisServer::start(&[]);
    let [writer, _] = processes(&server.url(), &server.url());
    let [reader, _] = processes(&server.url(), &server.url());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut writing = Box::pin(write_for_ever(&writer));
    runtime.block_on(async {
        writer.set("rows:1", &1_u64).await.unwrap();
        let ended = timeout(millis(10), &mut writing).await;
        assert!(ended.is_err(), "it never ends");
    });
    drop(writing);
    assert_eq!(writer.stats().retries, 1);
    runtime.block_on(async {
        assert!(writer.get::<u64>("rows:1").await.is_err(), "nobody knows");
        while writer.stats().retries > 0 {
            sleep(millis(1)).await;
        }
        assert_eq!(reader.get::<u64>("rows:1").await.unwrap(), None);
    });
}

/// Settings that are meant as "for ever" are no reason to fail either.
#[tokio::test]
async fn no_duration_is_too_long() {
    let server = RedisServer::start(&[]);
    let ever = Duration::MAX;
    let redis = Redis::builder(server.url()).deadline(ever).build().unwrap();
    let cache = Cache::builder()
        .far(redis)
        .near(Moka::default())
        .ttl(ever)
        .wait(ever)
        .outage_budget(ever)
        .build()
        .unwrap();
    first_use(&cache).await;
    let options = SetOptions::new().ttl(ever);
    cache.set_with("row", &1_u64, options).await.unwrap();
    assert!(cache.touch("row", ever).await.unwrap());
    cache.remove_prefix("row").await.unwrap();
    assert_eq!(cache.get::<u64>("row").await.unwrap(), None);
    assert_eq!(cache.stats().total.far_errors, 0);
}
