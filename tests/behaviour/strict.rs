//! Invalidations in two phases: a writer that dies between its write and its invalidation.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use larder::{
    Cache, Clock, Error, ErrorKind, Moka, Redis, cached, invalidate_cache, policy::LEASE_TTL,
    testkit::MemoryFar,
};
use test_support::RedisServer;

use crate::world::Source;

const PATIENT: Duration = Duration::from_secs(5);

/// Two processes over one far tier.
struct World {
    far: MemoryFar,
    clock: Clock,
    writer: Cache,
    reader: Cache,
    source: Source,
}

impl World {
    async fn new() -> Self {
        let clock = Clock::manual();
        let far = MemoryFar::new(clock.clone());
        let process = || {
            let builder = Cache::builder().far(far.clone()).near(Moka::default());
            let builder = builder.clock(clock.clone()).outage_budget(PATIENT);
            builder.build().expect("the settings are in order")
        };
        let world = Self {
            writer: process(),
            reader: process(),
            source: Source::open(),
            far,
            clock,
        };
        // The feeds begin with the first call, and what is loaded before that is not kept.
        read(&world.writer, &world.source, 0).await;
        read(&world.reader, &world.source, 0).await;
        world
    }

    /// What somebody in the other process gets.
    async fn read(&self) -> u64 {
        read(&self.reader, &self.source, 1).await
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.far.beat();
    }
}

#[cached(key = "rows:<id>", ttl = 600, cache = cache, skip(cache, source))]
async fn read(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await
}

#[invalidate_cache(keys = ["rows:<id>"], cache = cache)]
async fn write(cache: &Cache, source: &Source, id: u64, after: Source) -> Result<u64, Error> {
    let version = source.commit();
    after.load().await;
    Ok(version)
}

#[invalidate_cache(keys = ["rows:<id>"], strict, cache = cache)]
async fn write_key(cache: &Cache, source: &Source, id: u64, after: Source) -> Result<u64, Error> {
    let version = source.commit();
    after.load().await;
    Ok(version)
}

#[invalidate_cache(prefix = "rows", strict, cache = cache)]
async fn write_prefix(cache: &Cache, source: &Source, after: Source) -> Result<u64, Error> {
    let version = source.commit();
    after.load().await;
    Ok(version)
}

/// Runs a write until it has committed, then ends its process: nothing of it is ever dropped.
async fn die_after_commit(write: impl Future<Output = Result<u64, Error>>, after: &Source) {
    let mut write = Box::pin(write);
    let committed = after.begun();
    tokio::select! {
        _ = &mut write => unreachable!("it waits behind its commit"),
        () = committed => {}
    }
    std::mem::forget(write);
}

#[tokio::test]
async fn without_two_phases_a_writer_that_dies_leaves_the_old_value() {
    let world = World::new().await;
    assert_eq!(world.read().await, 1);
    let after = Source::closed();
    let writing = write(&world.writer, &world.source, 1, after.clone());
    die_after_commit(writing, &after).await;
    world.pass(LEASE_TTL);
    assert_eq!(world.read().await, 1, "which is what the test is about");
}

#[tokio::test]
async fn after_a_strict_writer_has_died_nobody_gets_the_old_value() {
    for by_prefix in [false, true] {
        let world = World::new().await;
        assert_eq!(world.read().await, 1);
        let after = Source::closed();
        if by_prefix {
            let writing = write_prefix(&world.writer, &world.source, after.clone());
            die_after_commit(writing, &after).await;
        } else {
            let writing = write_key(&world.writer, &world.source, 1, after.clone());
            die_after_commit(writing, &after).await;
        }
        assert_eq!(world.read().await, 2, "by prefix: {by_prefix}");
        world.pass(LEASE_TTL);
        assert_eq!(world.read().await, 2, "by prefix: {by_prefix}");
        let loads = world.source.loads();
        assert_eq!(world.read().await, 2);
        assert_eq!(world.source.loads(), loads, "it is kept again");
    }
}

/// A write that waits before its commit instead of after it.
#[invalidate_cache(keys = ["rows:<id>"], strict, cache = cache)]
async fn write_late(cache: &Cache, source: &Source, id: u64, before: Source) -> Result<u64, Error> {
    before.load().await;
    let version = source.commit();
    std::future::pending::<()>().await;
    Ok(version)
}

#[invalidate_cache(prefix = "rows", strict, cache = cache)]
async fn write_all_late(cache: &Cache, source: &Source, before: Source) -> Result<u64, Error> {
    before.load().await;
    let version = source.commit();
    std::future::pending::<()>().await;
    Ok(version)
}

/// In both processes: one of them is the writer's own.
#[tokio::test]
async fn what_is_loaded_between_the_phases_is_not_kept_anywhere() {
    for by_prefix in [false, true] {
        let world = World::new().await;
        let before = Source::closed();
        let mut writing = pin!(async {
            let (cache, source) = (&world.writer, &world.source);
            if by_prefix {
                write_all_late(cache, source, before.clone()).await
            } else {
                write_late(cache, source, 1, before.clone()).await
            }
        });
        tokio::select! {
            _ = &mut writing => unreachable!("it waits for its turn"),
            () = before.begun() => {}
        }
        for cache in [&world.writer, &world.reader] {
            assert_eq!(
                read(cache, &world.source, 1).await,
                1,
                "the commit is to come"
            );
        }
        before.let_one();
        let mut context = Context::from_waker(Waker::noop());
        while world.source.version() == 1 {
            assert!(writing.as_mut().poll(&mut context).is_pending());
            tokio::task::yield_now().await;
        }
        // It is as good as dead from here on, and never told anybody.
        for passed in [Duration::ZERO, LEASE_TTL] {
            world.pass(passed);
            for cache in [&world.writer, &world.reader] {
                let read = read(cache, &world.source, 1).await;
                assert_eq!(read, 2, "by prefix: {by_prefix}, {passed:?} later");
            }
        }
    }
}

#[tokio::test]
async fn a_strict_write_that_ends_leaves_no_mark() {
    let world = World::new().await;
    assert_eq!(world.read().await, 1);
    let done = write_key(&world.writer, &world.source, 1, Source::open()).await;
    assert_eq!(done.expect("the far tier is there"), 2);
    assert_eq!(world.read().await, 2);
    let loads = world.source.loads();
    let other = read(&world.writer, &world.source, 1).await;
    assert_eq!((other, world.source.loads()), (2, loads), "it was kept far");
}

/// What the function returns, and whether its body has run.
#[invalidate_cache(prefix = "rows", strict, cache = cache)]
async fn try_write(cache: &Cache, ran: &AtomicBool, fails: bool) -> Result<(), Failure> {
    ran.store(true, Ordering::SeqCst);
    if fails { Err(Failure::Own) } else { Ok(()) }
}

#[derive(Debug, PartialEq)]
enum Failure {
    Own,
    Cache(ErrorKind),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Cache(error.kind())
    }
}

#[tokio::test]
async fn without_the_first_phase_the_body_does_not_run() {
    let world = World::new().await;
    world.far.set_reachable(false);
    let ran = AtomicBool::new(false);
    let failure = try_write(&world.writer, &ran, false).await;
    assert_eq!(failure, Err(Failure::Cache(ErrorKind::Unavailable)));
    assert!(!ran.load(Ordering::SeqCst));
}

#[invalidate_cache(prefix = "rows", strict, cache = cache)]
async fn write_and_lose(cache: &Cache, far: &MemoryFar, fails: bool) -> Result<(), Failure> {
    far.set_reachable(false);
    if fails { Err(Failure::Own) } else { Ok(()) }
}

#[tokio::test]
async fn what_goes_wrong_after_the_body_is_told_unless_the_body_failed() {
    for (fails, told) in [
        (false, Failure::Cache(ErrorKind::Unavailable)),
        (true, Failure::Own),
    ] {
        let world = World::new().await;
        let lost = write_and_lose(&world.writer, &world.far, fails).await;
        assert_eq!(lost, Err(told));
    }
}

#[tokio::test]
async fn an_error_of_the_function_ends_the_marks_as_well() {
    let world = World::new().await;
    assert_eq!(world.read().await, 1);
    let ran = AtomicBool::new(false);
    let failed = try_write(&world.writer, &ran, true).await;
    assert_eq!(failed, Err(Failure::Own));
    world.read().await;
    let loads = world.source.loads();
    world.read().await;
    assert_eq!(world.source.loads(), loads, "it is kept at once");
}

#[tokio::test]
async fn a_cache_without_a_far_tier_needs_no_phases() {
    let cache = Cache::builder().near(Moka::default()).build();
    let cache = cache.expect("the settings are in order");
    let ran = AtomicBool::new(false);
    assert_eq!(try_write(&cache, &ran, false).await, Ok(()));
    assert!(ran.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_write_is_seen_on_a_real_server() {
    let server = RedisServer::start(&[]);
    let process = || {
        let redis = Redis::builder(server.url()).deadline(PATIENT).build();
        let builder = Cache::builder().far(redis.expect("a url"));
        let cache = builder.outage_budget(PATIENT).build();
        cache.expect("the settings are in order")
    };
    let (writer, reader) = (process(), process());
    let source = Source::open();
    assert_eq!(read(&reader, &source, 1).await, 1);
    let after = Source::closed();
    let writing = tokio::spawn({
        let (writer, source, after) = (writer.clone(), source.clone(), after.clone());
        async move { write_prefix(&writer, &source, after).await }
    });
    after.begun().await;
    assert_eq!(
        read(&reader, &source, 1).await,
        2,
        "nothing old between the phases"
    );
    assert_eq!(reader.stats().total.far_hits, 0);
    after.let_one();
    writing
        .await
        .expect("no panic")
        .expect("the server is there");
    assert_eq!(read(&reader, &source, 1).await, 2);
    let loads = source.loads();
    assert_eq!(read(&writer, &source, 1).await, 2);
    assert_eq!(source.loads(), loads, "it is kept far");
}
