//! P1 over a shared store: real Redis, several caches on it as if in several processes, every
//! fault that could bring an old value back, and the naive protocol as a control that must fail.

mod replica;
mod rights;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{
    Cache, CacheBuilder, Error, ErrorKind, Moka, Redis, SetOptions, policy::DEFAULT_OUTAGE_BUDGET,
};
use test_support::{Failure, Mix, Naive, Random, RedisServer, Report, Run, Subject};
use tokio::time::{Instant, sleep, timeout};

use crate::world::Source;

const RUN: Duration = Duration::from_secs(8);
const FINE: &str = "the settings are in order";

/// Caches that share a far tier, used in turn.
pub(crate) struct Larder {
    caches: Vec<Cache>,
    next: AtomicUsize,
}

impl Larder {
    /// As four processes without near tiers: what one invalidates, all must believe at once.
    fn far_only(url: &str) -> Arc<Self> {
        Self::of((0..4).map(|_| patient(url).build().expect(FINE)).collect())
    }

    /// The same, with the deadlines that users have.
    fn impatient(url: &str, budget: Duration) -> Arc<Self> {
        let cache = || {
            let redis = Redis::connect(url).expect(FINE);
            let builder = Cache::builder().far(redis).outage_budget(budget);
            builder.build().expect(FINE)
        };
        Self::of((0..4).map(|_| cache()).collect())
    }

    /// As one process with both tiers.
    fn both(url: &str) -> Arc<Self> {
        Self::of(vec![
            patient(url).near(Moka::default()).build().expect(FINE),
        ])
    }

    pub(crate) fn of(caches: Vec<Cache>) -> Arc<Self> {
        Arc::new(Self {
            caches,
            next: AtomicUsize::new(0),
        })
    }

    fn cache(&self) -> &Cache {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.caches[next % self.caches.len()]
    }

    pub(crate) fn sum(&self, of: impl Fn(&larder::CallStats) -> u64) -> u64 {
        self.caches
            .iter()
            .map(|cache| of(&cache.stats().total))
            .sum()
    }
}

/// A cache for which a busy machine is no outage.
fn patient(url: &str) -> CacheBuilder {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(url).deadline(long).build().expect(FINE);
    Cache::builder().far(redis).outage_budget(long)
}

fn key(key: usize) -> String {
    format!("rows:{key}")
}

impl Subject for Larder {
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let load = || async { Ok::<_, String>(load.await) };
        let read = self.cache().get_or_load(&key(at), load).await;
        read.expect("the source does not fail")
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        Ok(self.cache().remove(&key(at)).await?)
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        Ok(self.cache().remove_prefix("rows").await?)
    }
}

/// Runs the mix while `fault` breaks things, and prints what happened.
async fn run<S: Subject>(name: &str, subject: Arc<S>, fault: impl Future<Output = ()>) -> Run {
    let pause = Duration::from_millis(30);
    let mix = Mix {
        pause,
        ..Mix::lasting(RUN)
    };
    let run = mix.run(subject);
    tokio::pin!(run);
    tokio::pin!(fault);
    let mut broken = false;
    let run = loop {
        tokio::select! {
            run = &mut run => break run,
            () = &mut fault, if !broken => broken = true,
        }
    };
    let report = run.check();
    println!(
        "{name}: {report}, {} loads, {} invalidations failed",
        run.loads, run.failed
    );
    run
}

fn nothing() -> std::future::Ready<()> {
    std::future::ready(())
}

pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), wait)
        .await
        .unwrap_or_else(|_| panic!("not so: {what}"));
}

/// Breaks something over and over until the mix is over.
async fn often(pause: Duration, mut fault: impl FnMut()) {
    let end = Instant::now() + RUN;
    while Instant::now() < end {
        sleep(pause).await;
        tokio::task::block_in_place(&mut fault);
    }
}

fn fresh(run: &Run) -> Report {
    let report = run.check();
    report.assert_fresh();
    report
}

/// Case 1: the checker finds what a naive cache does wrong, on the same server and load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_finds_stale_reads_of_the_naive_protocol() {
    let server = RedisServer::start(&[]);
    let naive = Arc::new(Naive::new(server.addr(), Mix::default().keys));
    let run = run("naive", naive, nothing()).await;
    assert!(
        run.check().stale > 0,
        "the checker is blind: {}",
        run.check()
    );
}

/// Case 2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_without_faults() {
    let server = RedisServer::start(&[]);
    let larder = Larder::far_only(&server.url());
    let report = fresh(&run("far only", larder, nothing()).await);
    assert!(report.hit_ratio() > 0.5, "{report}");
    let larder = Larder::both(&server.url());
    let report = fresh(&run("near and far", larder, nothing()).await);
    assert!(report.hit_ratio() > 0.5, "{report}");
}

/// Case 3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_entries_and_stamps_are_evicted_at_random() {
    let server = RedisServer::start(&[]);
    let larder = Larder::far_only(&server.url());
    let mut random = Random::new(3);
    let names: Vec<String> = (0..3)
        .map(|at| format!("larder:e:{}", key(at)))
        .chain(["larder:g:n".to_owned(), "larder:g:p:rows".to_owned()])
        .collect();
    let evict = often(Duration::from_millis(1), || {
        let name = &names[random.below(names.len())];
        server.raw(&["UNLINK", name]);
    });
    fresh(&run("eviction at random", larder, evict).await);
}

/// Cases 4 and 5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_server_runs_out_of_memory_under_any_policy() {
    for policy in [
        "allkeys-lru",
        "allkeys-random",
        "volatile-ttl",
        "noeviction",
    ] {
        let server = RedisServer::start(&["--maxmemory", "4mb", "--maxmemory-policy", policy]);
        let larder = Larder::far_only(&server.url());
        let mut client = server.client();
        let filler = "x".repeat(10_000);
        let mut next = 0;
        let fill = often(Duration::from_millis(1), || {
            next += 1;
            // Refused without eviction: that is the case.
            let _ = client.command(&["SET", &format!("filler:{next}"), &filler, "PX", "60000"]);
        });
        let run = run(policy, larder, fill).await;
        fresh(&run);
        let evicted = server.info("evicted_keys").expect("a field");
        assert_eq!(evicted == "0", policy == "noeviction", "{evicted} evicted");
        assert_eq!(
            run.failed, 0,
            "an invalidation needs no memory: {:?}",
            run.failure
        );
    }
}

/// Case 6.
#[tokio::test]
async fn an_invalidation_works_on_a_server_without_memory() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let cache = patient(&server.url()).build().expect(FINE);
    for how in ["key", "prefix", "all"] {
        let read = async |version: u64| {
            let load = || async { Ok::<_, String>(version) };
            cache.get_or_load("rows:1", load).await.unwrap()
        };
        assert_eq!(read(1).await, 1);
        assert_eq!(read(2).await, 1, "it is cached");
        server.raw(&["CONFIG", "SET", "maxmemory", "1"]);
        match how {
            "key" => cache.remove("rows:1").await,
            "prefix" => cache.remove_prefix("rows").await,
            _ => cache.clear().await,
        }
        .unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(read(3).await, 3, "{how}");
        server.raw(&["CONFIG", "SET", "maxmemory", "0"]);
        cache.remove("rows:1").await.unwrap();
    }
}

/// Case 7.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_connections_are_killed() {
    let server = RedisServer::start(&[]);
    let larder = Larder::impatient(&server.url(), DEFAULT_OUTAGE_BUDGET);
    let kill = often(Duration::from_millis(100), || {
        server.raw(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    });
    let report = fresh(&run("connections killed", larder.clone(), kill).await);
    assert!(report.hits > 0);
    assert!(larder.sum(|stats| stats.far_errors) > 0, "nothing was hit");
}

/// Case 10: stores that were sent before the server stopped arrive when it wakes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_server_stops_for_seconds() {
    let server = RedisServer::start(&[]);
    let larder = Larder::impatient(&server.url(), DEFAULT_OUTAGE_BUDGET);
    let stop = async {
        sleep(RUN / 4).await;
        server.stop();
        sleep(RUN / 2).await;
        server.cont();
    };
    let run = run("stopped for seconds", larder, stop).await;
    let report = fresh(&run);
    assert!(run.failed > 0, "no invalidation noticed");
    assert!(report.slowest < Duration::from_secs(1), "{report}");
}

/// Case 11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_server_stops_for_moments() {
    let server = RedisServer::start(&[]);
    let larder = Larder::impatient(&server.url(), Duration::from_millis(20));
    let mut random = Random::new(11);
    let stop = often(Duration::from_millis(100), || {
        server.stop();
        std::thread::sleep(random.up_to(Duration::from_millis(60)));
        server.cont();
    });
    fresh(&run("stopped for moments", larder.clone(), stop).await);
    assert!(
        larder.sum(|stats| stats.far_errors) > 0,
        "nothing timed out"
    );
}

/// Case 25.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_and_no_stale_read_when_scripts_are_flushed() {
    let server = RedisServer::start(&[]);
    let larder = Larder::far_only(&server.url());
    let flush = often(Duration::from_millis(50), || {
        server.raw(&["SCRIPT", "FLUSH"]);
    });
    let run = run("scripts flushed", larder.clone(), flush).await;
    fresh(&run);
    assert_eq!(run.failed, 0, "{:?}", run.failure);
    assert_eq!(larder.sum(|stats| stats.far_errors), 0);
}

/// Case 26.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_server_empties_the_near_tiers() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let larder = Larder::both(&server.url());
    let cache = larder.cache();
    cache.get::<u64>("rows:0").await?;
    until("the feed is up", || cache.stats().feed_alive).await;
    for at in 0..100_u64 {
        cache.set(&format!("rows:{at}"), &at).await?;
    }
    assert_eq!(cache.stats().near_entries, 100);
    server.raw(&["FLUSHALL"]);
    until("the near tier is empty", || cache.stats().near_entries == 0).await;
    let flush = often(Duration::from_millis(50), || {
        server.raw(&["FLUSHALL"]);
    });
    fresh(&run("flushed", larder.clone(), flush).await);
    Ok(())
}

/// The near tier of another process hears of an invalidation, by key, prefix and tag, and of a
/// value that was set; without a feed its entries live for seconds only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_near_tier_of_another_process_is_told() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let reader = patient(&server.url()).near(Moka::default()).build()?;
    let writer = patient(&server.url()).near(Moka::default()).build()?;
    reader.get::<u64>("rows:1").await?;
    until("the feed is up", || reader.stats().feed_alive).await;
    for version in 0..40_u64 {
        let options = SetOptions::new().tag("team:1");
        let load = || async { Ok::<_, String>(version) };
        let near = async {
            // A message about the last round may still come, and takes what was just stored.
            loop {
                let options = options.clone();
                let read = reader.get_or_load_with("rows:1", options, load).await;
                assert_eq!(read, Ok(version));
                if reader.stats().near_entries == 1 {
                    return;
                }
            }
        };
        let near = timeout(Duration::from_secs(5), near).await;
        near.expect("the near tier takes no value");
        match version % 5 {
            0 => writer.remove("rows:1").await?,
            1 => writer.remove_prefix("rows").await?,
            2 => writer.remove_tag("team:1").await?,
            3 => writer.clear().await?,
            _ => {
                writer.set("rows:1", &(version + 1)).await?;
                let mut seen = 0;
                let fresh = async {
                    while seen != version + 1 {
                        seen = reader.get("rows:1").await?.unwrap_or_default();
                    }
                    Ok::<_, Error>(())
                };
                timeout(Duration::from_secs(5), fresh)
                    .await
                    .expect("told")?;
                writer.remove("rows:1").await?;
            }
        }
        let gone = async {
            while reader.get::<u64>("rows:1").await?.is_some() {}
            Ok::<_, Error>(())
        };
        timeout(Duration::from_secs(5), gone).await.expect("told")?;
    }
    Ok(())
}

/// A load that failed, or was dropped, keeps nobody from storing the next one.
#[tokio::test]
async fn a_lease_that_is_not_used_is_in_nobodys_way() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let cache = || patient(&server.url()).build();
    let (one, other) = (cache()?, cache()?);
    let failing = || async { Err::<u64, _>("no".to_owned()) };
    let loading = || async { Ok::<u64, String>(1) };

    assert!(one.get_or_load("failed", failing).await.is_err());
    assert_eq!(other.get_or_load("failed", loading).await, Ok(1));
    assert_eq!(one.get("failed").await?, Some(1_u64));

    let (begun, mut begins) = tokio::sync::mpsc::channel::<()>(1);
    let hanging = || async {
        begun.send(()).await.expect("somebody listens");
        std::future::pending::<Result<u64, String>>().await
    };
    tokio::select! {
        _ = one.get_or_load("dropped", hanging) => unreachable!("it hangs"),
        _ = begins.recv() => {}
    }
    assert_eq!(one.get_or_load("dropped", loading).await, Ok(1));
    assert_eq!(other.get("dropped").await?, Some(1_u64));
    Ok(())
}

/// The ways to invalidate one key.
const WAYS: [&str; 6] = ["key", "prefix", "longer prefix", "tag", "clear", "set"];

async fn invalidate(cache: &Cache, way: &str, version: u64) -> Result<(), Error> {
    let options = SetOptions::new().tag("team:1");
    match way {
        "key" => cache.remove("users:1:posts").await,
        "prefix" => cache.remove_prefix("users").await,
        "longer prefix" => cache.remove_prefix("users:1").await,
        "tag" => cache.remove_tag("team:1").await,
        "clear" => cache.clear().await,
        _ => cache.set_with("users:1:posts", &version, options).await,
    }
}

/// Deterministically what the mix looks for by chance, in one process and from another.
#[tokio::test]
async fn an_invalidation_in_the_middle_of_a_load_wins() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    for way in WAYS {
        for (name, near) in [("far", false), ("both", true)] {
            let build = |builder: CacheBuilder| {
                let near = near.then(Moka::default);
                let builder = match near {
                    Some(near) => builder.near(near),
                    None => builder,
                };
                builder.build()
            };
            let cache = build(patient(&server.url()).namespace(name))?;
            let other = build(patient(&server.url()).namespace(name))?;
            cache.clear().await?;
            // From another process the near tier hears a little later, so there the far tier.
            let writer = if near { &cache } else { &other };
            let source = Source::closed();
            let read = || {
                let (cache, source) = (cache.clone(), source.clone());
                tokio::spawn(async move {
                    let options = SetOptions::new().tag("team:1");
                    let load = || async { Ok::<_, String>(source.load().await) };
                    let key = "users:1:posts";
                    cache.get_or_load_with(key, options, load).await
                })
            };
            let old = read();
            let begun = timeout(Duration::from_secs(5), source.begun()).await;
            begun.expect("it loads, because what was there is cleared");
            let version = source.commit();
            invalidate(writer, way, version).await?;
            let new = read();
            source.let_one();
            source.let_one();
            assert_eq!(old.await.expect("no panic"), Ok(1), "{name}, {way}");
            assert_eq!(
                new.await.expect("no panic"),
                Ok(version),
                "{name}, {way}: joined"
            );
            let after = cache.get("users:1:posts").await?;
            assert!(
                after.is_none_or(|after: u64| after == version),
                "{name}, {way}: {after:?}"
            );
        }
    }
    Ok(())
}

/// P2 where only the far tier is shared: those who come together load together.
#[tokio::test]
async fn a_thousand_callers_of_one_cold_key_load_once_without_a_near_tier() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let cache = patient(&server.url()).build()?;
    let source = Source::open();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let (cache, source) = (cache.clone(), source.clone());
            tokio::spawn(async move {
                let load = || async { Ok::<_, String>(source.load().await) };
                cache.get_or_load("rows:1", load).await
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic"), Ok(1));
    }
    assert_eq!(source.loads(), 1);
    assert_eq!(cache.stats().flights, 0);
    Ok(())
}
