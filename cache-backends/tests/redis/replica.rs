//! A replica is read while it is close behind its master, and never undoes what is known here.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cache_backends::{Redis, RedisBuilder};
use cache_core::{Backend, ErrorKind, Invalidate, Listener};
use test_support::{Fault, FaultProxy, Links, RedisServer, SentinelGroup, Way};
use tokio::time::sleep;

use crate::probe::{LONG, MINE, SLACK, call, invalidate, prepare, read, store};

const BOUND: Duration = Duration::from_secs(1);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A master, and a replica that hears of it over a line that can be broken.
struct Pair {
    master: RedisServer,
    replica: RedisServer,
    line: FaultProxy,
}

impl Pair {
    async fn new() -> Self {
        let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
        let line = FaultProxy::start(master.addr());
        let pair = Self {
            replica: follower(&line),
            master,
            line,
        };
        pair.in_step().await;
        pair
    }

    /// Waits until the replica has what the master has.
    async fn in_step(&self) {
        self.master.raw(&["SET", "step", "1"]);
        eventually("in step", || {
            self.replica.raw(&["GET", "step"]).text() == Some("1")
        })
        .await;
        self.master.raw(&["DEL", "step"]);
    }

    /// Lets the replica hear so much later.
    fn delay(&self, replies: Duration) {
        self.line.set(Fault::Delay {
            requests: Duration::ZERO,
            replies,
        });
    }

    fn store(&self) -> RedisBuilder {
        Redis::builder(self.master.url())
            .replica_patience(Duration::ZERO)
            .replica_reads(BOUND)
    }
}

fn follower(of: &FaultProxy) -> RedisServer {
    let port = of.addr().port().to_string();
    RedisServer::start(&["--replicaof", "127.0.0.1", &port])
}

async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not so: {what}");
        sleep(millis(5)).await;
    }
}

/// How many reading commands of clients a server has seen.
fn gets(server: &RedisServer) -> u64 {
    let calls = |command: &str| {
        let stats = server.info(command)?;
        let calls = stats.strip_prefix("calls=")?.split(',').next()?;
        calls.parse::<u64>().ok()
    };
    calls("cmdstat_get").unwrap_or(0) + calls("cmdstat_mget").unwrap_or(0)
}

/// Reads `name` until a read leaves the master alone.
async fn until_replica(redis: &Redis, master: &RedisServer, name: &str) {
    let begun = Instant::now();
    loop {
        let before = gets(master);
        read(redis, name).await.unwrap();
        if gets(master) == before {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "all reads go to the master"
        );
        sleep(millis(5)).await;
    }
}

async fn fill(redis: &Redis, payload: &[u8]) {
    let leased = prepare(redis, "slot", &[]).await.unwrap().leased;
    assert!(leased && store(redis, "slot", payload).await.unwrap());
}

#[tokio::test]
async fn a_replica_that_is_close_is_read_in_place_of_its_master() {
    let pair = Pair::new().await;
    let redis = pair.store().build().unwrap();
    fill(&redis, b"value").await;
    pair.in_step().await;
    until_replica(&redis, &pair.master, "slot").await;
    let (master, replica) = (gets(&pair.master), gets(&pair.replica));
    for _ in 0..100 {
        let value = read(&redis, "slot").await.unwrap().expect("is there");
        assert_eq!(value[MINE.len()..], b"value"[..]);
    }
    let (master, replica) = (gets(&pair.master) - master, gets(&pair.replica) - replica);
    // A stall of the machine may make the replica look far behind for a moment.
    assert!(master < 50 && replica >= 50, "{master} and {replica} reads");
}

#[tokio::test]
async fn what_the_replica_does_not_have_is_asked_of_the_master() {
    let pair = Pair::new().await;
    let redis = pair.store().build().unwrap();
    pair.master.raw(&["SET", "name", "value"]);
    pair.in_step().await;
    until_replica(&redis, &pair.master, "name").await;
    pair.delay(millis(300));
    fill(&redis, b"new").await;
    assert!(read(&redis, "slot").await.unwrap().is_some());
}

/// The replica still has it for a while, and nobody is told.
#[tokio::test]
async fn an_invalidation_of_ones_own_is_not_undone() {
    let pair = Pair::new().await;
    let redis = pair
        .store()
        .deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    fill(&redis, b"value").await;
    pair.in_step().await;
    until_replica(&redis, &pair.master, "slot").await;
    pair.delay(millis(300));
    for _ in 0..3 {
        invalidate(&redis, &["slot"], &[]).await.unwrap();
        let begun = Instant::now();
        while begun.elapsed() < millis(450) {
            assert_eq!(read(&redis, "slot").await.unwrap(), None);
            sleep(millis(1)).await;
        }
        fill(&redis, b"again").await;
        until_replica(&redis, &pair.master, "slot").await;
    }
}

/// Counts what it is told.
#[derive(Debug, Default)]
struct Ear {
    notices: AtomicUsize,
    connected: Mutex<bool>,
}

impl Listener for Ear {
    fn notice(&self, _: &[u8]) {
        self.notices.fetch_add(1, Ordering::SeqCst);
    }
    fn flushed(&self) {}
    fn connected(&self) {
        *self.connected.lock().unwrap() = true;
    }
    fn alive(&self, _: Duration) {}
    fn lost(&self) {}
}

/// A near tier that has just forgotten a value must not get it back from a replica.
#[tokio::test]
async fn an_invalidation_that_was_heard_of_is_not_undone() {
    let pair = Pair::new().await;
    let (reader, writer) = (pair.store().build().unwrap(), pair.store().build().unwrap());
    let ear = Arc::new(Ear::default());
    let listener: Weak<dyn Listener> = Arc::downgrade(&ear) as _;
    assert!(reader.watch("feed", listener));
    eventually("connected", || *ear.connected.lock().unwrap()).await;
    pair.delay(millis(300));
    for round in 1..=3 {
        fill(&writer, b"value").await;
        until_replica(&reader, &pair.master, "slot").await;
        assert!(read(&reader, "slot").await.unwrap().is_some());
        let change = Invalidate {
            slots: &["slot"],
            stamps: &[],
            stamp_ttl: LONG,
            channel: "feed",
            notice: b"notice",
        };
        writer.invalidate(change).await.unwrap();
        eventually("told", || ear.notices.load(Ordering::SeqCst) == round).await;
        let begun = Instant::now();
        while begun.elapsed() < millis(450) {
            assert_eq!(read(&reader, "slot").await.unwrap(), None);
            sleep(millis(1)).await;
        }
    }
}

/// Nobody tells this process, so the bound is all that it has: whatever happens to the line
/// between the servers, nothing is older than that.
#[tokio::test]
async fn a_replica_that_is_left_behind_is_left_alone_within_the_bound() {
    let pair = Pair::new().await;
    let redis = pair.store().build().unwrap();
    pair.master.raw(&["SET", "name", "old"]);
    pair.in_step().await;
    until_replica(&redis, &pair.master, "name").await;

    pair.line.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    pair.master.raw(&["SET", "name", "new"]);
    let changed = Instant::now();
    let mut last_old = Duration::ZERO;
    while changed.elapsed() < BOUND + millis(500) {
        let began = changed.elapsed();
        let value = read(&redis, "name").await.unwrap().unwrap();
        if value == "old" {
            last_old = began;
        }
        sleep(millis(1)).await;
    }
    assert!(last_old > Duration::ZERO, "the replica was not read at all");
    assert!(last_old < BOUND, "{last_old:?}");

    // The line is back, and so is the replica, when it has what it missed.
    pair.line.set(Fault::None);
    pair.line.reset_links();
    until_replica(&redis, &pair.master, "name").await;
    assert_eq!(read(&redis, "name").await.unwrap().unwrap(), "new");
}

#[tokio::test]
async fn a_replica_that_is_always_late_is_never_read() {
    let pair = Pair::new().await;
    let redis = pair.store().replica_reads(millis(200)).build().unwrap();
    pair.delay(millis(400));
    pair.master.raw(&["SET", "name", "value"]);
    for _ in 0..100 {
        let before = gets(&pair.master);
        read(&redis, "name").await.unwrap();
        assert!(gets(&pair.master) > before);
        sleep(millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_hangs_or_dies_costs_little_and_comes_back() {
    let pair = Pair::new().await;
    let redis = pair.store().build().unwrap();
    pair.master.raw(&["SET", "name", "value"]);
    pair.in_step().await;
    until_replica(&redis, &pair.master, "name").await;
    for fault in ["hang", "die"] {
        match fault {
            "hang" => pair.replica.stop(),
            _ => pair.replica.kill(),
        }
        let begun = Instant::now();
        while begun.elapsed() < millis(700) {
            let call = call(&redis).await;
            assert!(call.error.is_none(), "{fault}: {:?}", call.error);
            let most = Redis::DEADLINE / 10 + SLACK;
            assert!(call.took < most, "{fault}: {:?}", call.took);
            sleep(millis(1)).await;
        }
        match fault {
            "hang" => pair.replica.cont(),
            _ => tokio::task::block_in_place(|| pair.replica.restart()),
        }
        until_replica(&redis, &pair.master, "name").await;
    }
}

#[tokio::test]
async fn without_a_replica_all_reads_go_to_the_master() {
    let server = RedisServer::start(&[]);
    let redis = Redis::builder(server.url())
        .replica_reads(BOUND)
        .build()
        .unwrap();
    fill(&redis, b"value").await;
    for _ in 0..50 {
        assert!(read(&redis, "slot").await.unwrap().is_some());
        sleep(millis(2)).await;
    }
    // A replica that comes later is found.
    let line = FaultProxy::start(server.addr());
    let replica = follower(&line);
    eventually("in step", || {
        replica.raw(&["EXISTS", "slot"]).int() == Some(1)
    })
    .await;
    until_replica(&redis, &server, "slot").await;
}

/// Which servers these are is asked anew after a failover.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sentinels_a_replica_of_the_master_of_the_moment_is_read() {
    let group = SentinelGroup::start(2);
    let redis = Redis::builder(group.url())
        .deadline(Duration::from_secs(5))
        .replica_patience(Duration::ZERO)
        .replica_reads(BOUND)
        .build()
        .unwrap();
    let old = Arc::clone(group.master());
    old.raw(&["SET", "name", "value"]);
    group.await_in_sync(2);
    until_replica(&redis, &old, "name").await;

    tokio::task::block_in_place(|| {
        group.fail_over();
        group.await_switch(&old);
    });
    let new = group.master();
    eventually("a replica of the new master", || {
        new.info("connected_slaves").as_deref() != Some("0")
    })
    .await;
    let begun = Instant::now();
    while read(&redis, "name").await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the new master is not found"
        );
        sleep(millis(10)).await;
    }
    until_replica(&redis, new, "name").await;
}

#[test]
fn a_cluster_has_no_replicas_to_read() {
    let builder = Redis::cluster(["127.0.0.1:1"]).replica_reads(BOUND);
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn a_bound_of_nothing_is_refused() {
    let builder = Redis::builder("redis://localhost").replica_reads(Duration::ZERO);
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("replica_reads"), "{error}");
}
