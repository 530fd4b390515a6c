//! Case 34: with reads from a replica, P1 holds up to the bound that was chosen, whatever happens
//! to the line between the servers.

use test_support::{Fault, FaultProxy, Links, Way};

use super::*;

const BOUND: Duration = Duration::from_secs(1);
const LAG: Duration = Duration::from_millis(300);

/// A master, and a replica that follows it over a line of its own.
struct Pair {
    master: RedisServer,
    line: FaultProxy,
    _replica: RedisServer,
}

impl Pair {
    async fn new() -> Self {
        let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
        let line = FaultProxy::start(master.addr());
        let port = line.addr().port().to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        let linked = || replica.info("master_link_status").as_deref() == Some("up");
        until("the replica follows", linked).await;
        Self {
            master,
            line,
            _replica: replica,
        }
    }

    fn caches(&self, near: bool) -> Arc<Larder> {
        let cache = || {
            let redis = Redis::builder(self.master.url())
                .deadline(Duration::from_secs(5))
                // How long an invalidation waits is not what is asked here.
                .replica_patience(Duration::ZERO)
                .replica_reads(BOUND);
            let redis = redis.build().expect(FINE);
            let builder = Cache::builder().far(redis);
            let builder = builder.outage_budget(Duration::from_secs(5));
            let builder = if near {
                builder.near(Moka::default())
            } else {
                builder
            };
            builder.build().expect(FINE)
        };
        Larder::of((0..4).map(|_| cache()).collect())
    }

    fn lag(&self) {
        self.line.set(Fault::Delay {
            requests: Duration::ZERO,
            replies: LAG,
        });
    }
}

/// Rarely enough that the replica catches up in between.
async fn run_slowly(name: &str, subject: Arc<Larder>, fault: impl Future<Output = ()>) -> Run {
    let mix = Mix {
        pause: Duration::from_secs(2),
        load: Duration::from_millis(20),
        ..Mix::lasting(RUN)
    };
    let (run, ()) = tokio::join!(mix.run(subject), fault);
    let report = run.check();
    println!(
        "{name}: {report}, {} loads, oldest {:?}",
        run.loads, report.oldest
    );
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_from_a_replica_is_never_older_than_the_bound() {
    let pair = Pair::new().await;
    let larder = pair.caches(false);
    pair.lag();
    let run = run_slowly("replica 300 ms late", larder, nothing()).await;
    let report = run.check();
    report.assert_within(BOUND);
    assert!(report.oldest > LAG / 2, "no replica was read: {report}");
    assert_eq!(run.failed, 0, "{:?}", run.failure);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_when_the_replica_hears_nothing_any_more() {
    let pair = Pair::new().await;
    let larder = pair.caches(false);
    let cut = async {
        sleep(RUN / 4).await;
        pair.line.set(Fault::Swallow {
            links: Links::All,
            way: Way::Both,
        });
        sleep(RUN / 2).await;
        pair.line.set(Fault::None);
        pair.line.reset_links();
    };
    let run = run_slowly("replica cut off", larder, cut).await;
    let report = run.check();
    report.assert_within(BOUND);
    assert!(
        report.oldest > Duration::ZERO,
        "no replica was read: {report}"
    );
    assert_eq!(run.failed, 0, "{:?}", run.failure);
}

/// A value that the feed has taken out of the near tier does not come back from the replica, so
/// none of them outlives the bound there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_tiers_are_as_fresh_as_without_a_replica() {
    let pair = Pair::new().await;
    let larder = pair.caches(true);
    pair.lag();
    let run = run_slowly("replica 300 ms late, near tiers", larder, nothing()).await;
    let report = run.check();
    report.assert_within(BOUND);
    assert!(report.hit_ratio() > 0.5, "{report}");
    assert_eq!(run.failed, 0, "{:?}", run.failure);
}
