//! P1 over memcached, one server and three: several caches as if in several processes, every fault
//! that could bring an old value back, and the naive protocol as a control that must fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{
    Backend, Cache, Invalidate, Lease, Memcached, Moka, Over, Prepare, Write,
    policy::DEFAULT_OUTAGE_BUDGET,
};
use test_support::{
    Failure, Fault, FaultProxy, Links, MemcachedServer, Mix, Random, Report, Run, Subject, Way,
};
use tokio::time::{Instant, sleep};

const RUN: Duration = Duration::from_secs(4);
const FINE: &str = "the settings are in order";
const LONG: Duration = Duration::from_secs(5);

/// Caches that share a far tier, used in turn.
struct Larder {
    caches: Vec<Cache>,
    next: AtomicUsize,
}

impl Larder {
    /// As four processes without near tiers, for which a busy machine is no outage.
    fn patient(servers: &[String]) -> Arc<Self> {
        Self::far_only(servers, LONG, LONG)
    }

    /// The same, with the deadlines that users have.
    fn impatient(servers: &[String], budget: Duration) -> Arc<Self> {
        Self::far_only(servers, Memcached::DEADLINE, budget)
    }

    fn far_only(servers: &[String], deadline: Duration, budget: Duration) -> Arc<Self> {
        let cache = || {
            let memcached = connect(servers, deadline);
            let builder = Cache::builder().far(memcached).outage_budget(budget);
            builder.build().expect(FINE)
        };
        Self::of((0..4).map(|_| cache()).collect())
    }

    /// As one process with both tiers.
    fn both(servers: &[String]) -> Arc<Self> {
        let builder = Cache::builder().far(connect(servers, LONG));
        let builder = builder.outage_budget(LONG).near(Moka::default());
        Self::of(vec![builder.build().expect(FINE)])
    }

    fn of(caches: Vec<Cache>) -> Arc<Self> {
        Arc::new(Self {
            caches,
            next: AtomicUsize::new(0),
        })
    }

    fn cache(&self) -> &Cache {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.caches[next % self.caches.len()]
    }

    fn errors(&self) -> u64 {
        let errors = |cache: &Cache| cache.stats().total.far_errors;
        self.caches.iter().map(errors).sum()
    }
}

fn connect(servers: &[String], deadline: Duration) -> Memcached {
    let builder = Memcached::builder(servers).deadline(deadline);
    builder.build().expect(FINE)
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

/// Cache-aside without a fence, on the same store: a read is a get, on a miss the load and a set; a
/// write commits and then deletes.
struct Naive {
    store: Memcached,
    keys: usize,
    ids: AtomicU64,
}

impl Naive {
    async fn set(&self, slot: &str, version: u64) -> Result<(), larder::Error> {
        let mut header = [0; 12];
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        header[..8].copy_from_slice(&id.to_le_bytes());
        let lease = Lease {
            slot,
            header,
            over: Over::Anything,
            ttl: LONG,
        };
        let prepare = Prepare {
            stamps: &[],
            stamp_ttl: LONG,
            lease: Some(lease),
        };
        self.store.prepare(prepare).await?;
        let write = Write {
            slot,
            expected: header,
            envelope: [&header[..], &version.to_le_bytes()].concat().into(),
            ttl: Duration::from_secs(60),
            stamps: &[],
            stamp_ttl: LONG,
        };
        self.store.store(write).await.map(drop)
    }

    async fn delete(&self, keys: std::ops::Range<usize>) -> Result<(), Failure> {
        let slots: Vec<String> = keys.map(key).collect();
        let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
        let change = Invalidate {
            slots: &slots,
            stamps: &[],
            stamp_ttl: LONG,
            channel: "",
            notice: b"",
        };
        Ok(self.store.invalidate(change).await?)
    }
}

impl Subject for Naive {
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let slot = key(at);
        let read = self.store.read(&[&slot]).await.unwrap_or_default();
        let bytes = read.into_iter().flatten().next();
        let version = bytes.and_then(|bytes| bytes[12..].try_into().ok());
        if let Some(version) = version {
            return u64::from_le_bytes(version);
        }
        let version = load.await;
        // A cache that cannot store has still answered.
        let _ = self.set(&slot, version).await;
        version
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        self.delete(at..at + 1).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        self.delete(0..self.keys).await
    }
}

fn servers(count: usize) -> Vec<MemcachedServer> {
    (0..count).map(|_| MemcachedServer::start(&[])).collect()
}

fn addresses(servers: &[MemcachedServer]) -> Vec<String> {
    servers.iter().map(MemcachedServer::address).collect()
}

fn proxies(servers: &[MemcachedServer]) -> (Vec<FaultProxy>, Vec<String>) {
    let proxy = |server: &MemcachedServer| FaultProxy::start(server.addr());
    let proxies: Vec<_> = servers.iter().map(proxy).collect();
    let addresses = proxies.iter().map(|proxy| proxy.addr().to_string());
    let addresses = addresses.collect();
    (proxies, addresses)
}

/// Runs the mix while `fault` breaks things, and prints what happened.
async fn run<S: Subject>(name: &str, subject: Arc<S>, fault: impl Future<Output = ()>) -> Run {
    let mix = Mix {
        pause: Duration::from_millis(30),
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

/// Case 1: the checker finds what a naive cache does wrong, on the same servers and load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_finds_stale_reads_of_the_naive_protocol() {
    for count in [1, 3] {
        let servers = servers(count);
        let naive = Arc::new(Naive {
            store: connect(&addresses(&servers), LONG),
            keys: Mix::default().keys,
            ids: AtomicU64::new(0),
        });
        let run = run("naive", naive, std::future::ready(())).await;
        let report = run.check();
        assert!(report.stale > 0, "the checker is blind: {report}");
    }
}

/// Case 2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_without_faults() {
    for count in [1, 3] {
        let servers = servers(count);
        let addresses = addresses(&servers);
        for (name, larder) in [
            ("far only", Larder::patient(&addresses)),
            ("near and far", Larder::both(&addresses)),
        ] {
            let run = run(name, larder, std::future::ready(())).await;
            let report = fresh(&run);
            assert!(
                report.hit_ratio() > 0.5,
                "{name}, {count} servers: {report}"
            );
            assert_eq!(run.failed, 0, "{:?}", run.failure);
        }
    }
}

/// Case 3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_entries_and_stamps_are_evicted_at_random() {
    for count in [1, 3] {
        let servers = servers(count);
        let larder = Larder::patient(&addresses(&servers));
        let mut random = Random::new(3);
        let names: Vec<String> = (0..3)
            .map(|at| format!("larder:e:{}", key(at)))
            .chain(["larder:g:n".to_owned(), "larder:g:p:rows".to_owned()])
            .collect();
        let mut removed = 0;
        let evict = often(Duration::from_millis(2), || {
            let command = format!("md {}", names[random.below(names.len())]);
            let gone = |server: &&MemcachedServer| server.ask(&command, 1) == ["HD"];
            removed += servers.iter().filter(gone).count();
        });
        fresh(&run("eviction at random", larder, evict).await);
        assert!(removed > 10, "{removed} names were there");
    }
}

/// The server evicts by itself, and the stamps with the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_the_server_runs_out_of_memory() {
    let server = MemcachedServer::start(&["-m", "2", "-I", "512k"]);
    let larder = Larder::patient(&[server.address()]);
    let filler = "x".repeat(60);
    let mut next = 0;
    let fill = often(Duration::from_millis(1), || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(server.addr()).expect("it listens");
        let lines: Vec<String> = (next..next + 500)
            .map(|at| format!("ms filler:{at} 60 T600 q\r\n{filler}\r\n"))
            .collect();
        next += 500;
        let burst = lines.concat() + "mn\r\n";
        stream.write_all(burst.as_bytes()).expect("it takes all");
        let _ = stream.read(&mut [0; 16]);
    });
    let run = run("out of memory", larder, fill).await;
    fresh(&run);
    assert_ne!(server.stat("evictions").as_deref(), Some("0"), "none left");
    assert_eq!(run.failed, 0, "{:?}", run.failure);
}

/// Case 7, and cases 12 and 13 in turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_connections_break() {
    for count in [1, 3] {
        let servers = servers(count);
        let (proxies, addresses) = proxies(&servers);
        let larder = Larder::impatient(&addresses, DEFAULT_OUTAGE_BUDGET);
        let mut random = Random::new(7);
        let fault = often(Duration::from_millis(100), || {
            let proxy = &proxies[random.below(proxies.len())];
            match random.below(4) {
                0 => proxy.set(Fault::Swallow {
                    links: Links::Established,
                    way: [Way::Requests, Way::Replies, Way::Both][random.below(3)],
                }),
                1 => proxy.set(Fault::CutReplies(random.below(200))),
                2 => proxy.set(Fault::None),
                _ => proxy.reset_links(),
            }
        });
        let report = fresh(&run("connections broken", larder.clone(), fault).await);
        assert!(report.hits > 0);
        assert!(larder.errors() > 0, "nothing was hit");
    }
}

/// Case 10: stores that were sent before the server stopped arrive when it wakes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_a_server_stops_for_seconds() {
    for count in [1, 3] {
        let servers = servers(count);
        let larder = Larder::impatient(&addresses(&servers), DEFAULT_OUTAGE_BUDGET);
        let stop = async {
            sleep(RUN / 4).await;
            servers.iter().for_each(MemcachedServer::stop);
            sleep(RUN / 2).await;
            servers.iter().for_each(MemcachedServer::cont);
        };
        let run = run("stopped for seconds", larder, stop).await;
        let report = fresh(&run);
        assert!(run.failed > 0, "no invalidation noticed");
        assert!(report.slowest < Duration::from_secs(1), "{report}");
    }
}

/// Case 11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_a_server_stops_for_moments() {
    for count in [1, 3] {
        let servers = servers(count);
        let larder = Larder::impatient(&addresses(&servers), Duration::from_millis(20));
        let mut random = Random::new(11);
        let stop = often(Duration::from_millis(100), || {
            let server = &servers[random.below(servers.len())];
            server.stop();
            std::thread::sleep(random.up_to(Duration::from_millis(60)));
            server.cont();
        });
        fresh(&run("stopped for moments", larder.clone(), stop).await);
        assert!(larder.errors() > 0, "nothing timed out");
    }
}

/// Case 52: leases, stamps and CAS values of another life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_a_server_is_killed_and_started_again() {
    for count in [1, 3] {
        let servers = servers(count);
        let larder = Larder::impatient(&addresses(&servers), DEFAULT_OUTAGE_BUDGET);
        let mut random = Random::new(52);
        let restart = often(Duration::from_millis(300), || {
            servers[random.below(servers.len())].restart();
        });
        let report = fresh(&run("killed and started again", larder, restart).await);
        assert!(report.hits > 0);
    }
}

/// Case 53: what was on it before is still there when it comes back, entries and stamps alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_when_one_of_three_servers_comes_back_with_old_data() {
    let servers = servers(3);
    let (proxies, addresses) = proxies(&servers);
    let larder = Larder::impatient(&addresses, DEFAULT_OUTAGE_BUDGET);
    let away = async {
        for round in 0..6 {
            let proxy = &proxies[round % 3];
            sleep(RUN / 20).await;
            proxy.set(Fault::Reset);
            proxy.reset_links();
            sleep(RUN / 10).await;
            proxy.set(Fault::None);
        }
    };
    let run = run("away and back", larder, away).await;
    let report = fresh(&run);
    assert!(run.failed > 0, "no invalidation noticed");
    assert!(report.hits > 0, "{report}");
    for server in &servers {
        assert_eq!(
            server.stat("cmd_flush").as_deref(),
            Some("0"),
            "it is the same"
        );
    }
}
