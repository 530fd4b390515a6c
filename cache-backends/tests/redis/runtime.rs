//! A store outlives the runtimes on which it is used.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, ErrorKind, Listener};
use test_support::RedisServer;
use tokio::runtime::{Builder, Runtime};

use crate::probe::{back_within, call, invalidate, read};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[derive(Debug, Default)]
struct Ear {
    connected: AtomicU32,
    lost: AtomicU32,
}

impl Listener for Ear {
    fn notice(&self, _: &[u8]) {}
    fn flushed(&self) {}
    fn connected(&self) {
        self.connected.fetch_add(1, Ordering::SeqCst);
    }
    fn alive(&self, _: Duration) {}
    fn lost(&self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }
}

/// Like the tests of an application, which each have a runtime and share the installed cache.
#[test]
fn no_call_fails_when_one_runtime_follows_another() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let ear = Arc::new(Ear::default());
    let listener: Weak<dyn Listener> = Arc::downgrade(&ear) as _;
    // Outside of any runtime: the feed starts with the first call.
    assert!(redis.watch("channel", listener));

    for round in 1..=4 {
        let runtime = match round % 2 {
            0 => Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            _ => runtime(),
        };
        runtime.block_on(async {
            assert_eq!(read(&redis, "name").await.unwrap(), None);
            invalidate(&redis, &["name"], &[]).await.unwrap();
            let start = Instant::now();
            while ear.connected.load(Ordering::SeqCst) < round {
                assert!(start.elapsed() < Duration::from_secs(2), "the feed follows");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        drop(runtime);
        assert_eq!(
            ear.lost.load(Ordering::SeqCst),
            round,
            "and its end is told"
        );
    }
}

/// A runtime that is only driven now and then, beside one that always runs.
#[test]
fn a_runtime_that_stands_still_does_not_keep_another_waiting() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let idle = runtime();
    assert!(idle.block_on(call(&redis)).error.is_none());

    let busy = runtime();
    busy.block_on(async {
        back_within(&redis, Duration::from_secs(6)).await;
    });
}

/// The same one, on its own: a pause is not an outage.
#[test]
fn a_runtime_that_stood_still_goes_on() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let runtime = runtime();
    for _ in 0..3 {
        assert!(runtime.block_on(call(&redis)).error.is_none());
        std::thread::sleep(Duration::from_millis(1700));
    }
}

#[test]
fn outside_of_a_runtime_a_call_fails_and_does_not_panic() {
    let redis = Redis::connect("redis://127.0.0.1:1").unwrap();
    let mut reading = std::pin::pin!(redis.read(&["name"]));
    let Poll::Ready(Err(error)) = reading
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("is refused at once");
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
