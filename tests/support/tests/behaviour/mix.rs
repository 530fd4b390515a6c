//! The mix finds what is wrong with a cache, and nothing where nothing is.

use std::{
    collections::HashMap,
    future::{Future, ready},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use test_support::{Failure, FaultProxy, Mix, Naive, RedisServer, Subject};

/// No cache at all.
struct Always;

impl Subject for Always {
    fn read(
        &self,
        _: usize,
        load: impl Future<Output = u64> + Send + 'static,
    ) -> impl Future<Output = u64> + Send {
        load
    }

    fn invalidate_key(&self, _: usize) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }

    fn invalidate_prefix(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Ok(()))
    }
}

/// The simplest right cache: nothing is stored if anything was invalidated during its load.
#[derive(Default)]
struct Fenced(Mutex<(u64, HashMap<usize, u64>)>);

impl Fenced {
    fn clear(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        state.1.clear();
    }
}

impl Subject for Fenced {
    async fn read(&self, key: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let fence = {
            let state = self.0.lock().unwrap();
            if let Some(&version) = state.1.get(&key) {
                return version;
            }
            state.0
        };
        let version = load.await;
        let mut state = self.0.lock().unwrap();
        if state.0 == fence {
            state.1.insert(key, version);
        }
        version
    }

    async fn invalidate_key(&self, _: usize) -> Result<(), Failure> {
        self.clear();
        Ok(())
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        self.clear();
        Ok(())
    }
}

/// A cache that cannot invalidate, and says so.
struct Refusing;

impl Subject for Refusing {
    async fn read(&self, _: usize, _: impl Future<Output = u64> + Send + 'static) -> u64 {
        0
    }

    async fn invalidate_key(&self, _: usize) -> Result<(), Failure> {
        Err("no key today".into())
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        Err("no prefix today".into())
    }
}

/// Runs the naive protocol a second at a time until it is found stale, for at most 10 s.
async fn stale_reads_of_the_naive_protocol(addr: SocketAddr) -> usize {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        let mix = Mix::lasting(Duration::from_secs(1));
        let report = mix.run(Arc::new(Naive::new(addr, mix.keys))).await.check();
        println!("naive: {report}");
        if report.stale > 0 {
            return report.stale;
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_naive_protocol_is_found_stale() {
    let server = RedisServer::start(&[]);
    assert!(stale_reads_of_the_naive_protocol(server.addr()).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_naive_protocol_is_found_stale_through_the_proxy() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    assert!(stale_reads_of_the_naive_protocol(proxy.addr()).await > 0);
    assert!(proxy.traffic().replies > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cache_is_never_stale() {
    let run = Mix::lasting(Duration::from_secs(1))
        .run(Arc::new(Always))
        .await;
    let report = run.check();
    println!("no cache: {report}");
    report.assert_fresh();
    assert_eq!((report.hits, report.reads), (0, run.loads));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_cache_is_never_stale_and_hits_most_of_the_time() {
    let run = Mix::lasting(Duration::from_secs(1))
        .run(Arc::new(Fenced::default()))
        .await;
    let report = run.check();
    println!("fenced: {report}, {} entries", run.log.reads.len());
    report.assert_fresh();
    assert!(report.hit_ratio() > 0.5);
    assert_eq!(report.reads - report.hits, run.loads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_invalidations_are_counted_and_promise_nothing() {
    let run = Mix::lasting(Duration::from_millis(100))
        .run(Arc::new(Refusing))
        .await;
    assert_eq!(run.failed, run.log.invalidations.len());
    assert!(
        run.failed > 0
            && run
                .failure
                .as_ref()
                .is_some_and(|text| text.ends_with("today"))
    );
    assert_eq!(run.check().stale, 0);
}
