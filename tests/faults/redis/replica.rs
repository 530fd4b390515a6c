//! Reads from a replica: P1 up to the bound that was chosen, whatever happens to the line between
//! the servers.

use std::{sync::Arc, time::Duration};

use larder::{Cache, Moka, Redis};
use test_support::{Fault, FaultProxy, Links, RedisServer, Way};
use tokio::time::sleep;

use super::case;
use crate::{
    driver::{Race, build, millis, until},
    suite::{Case, Row},
};

const BOUND: Duration = millis(1_000);
const LAG: Duration = millis(300);
/// Long enough for some rare writes.
const LASTING: Duration = millis(8_000);
const PATIENCE: Duration = millis(5_000);

pub(super) fn cases() -> Vec<Case> {
    let old = "stale for 1 s at most";
    vec![
        case(34, "read from a replica 300 ms late", old, || late(false)),
        case(34, "the same, both tiers", old, || late(true)),
        case(34, "read from a replica that hears nothing", old, deaf),
    ]
}

/// A master, and a replica that follows it over a line of its own.
struct Pair {
    master: RedisServer,
    line: FaultProxy,
    _replica: RedisServer,
}

impl Pair {
    async fn start() -> Self {
        let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
        let line = FaultProxy::start(master.addr());
        let port = line.addr().port().to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        let linked = || replica.info("master_link_status").as_deref() == Some("up");
        let follows = until(linked).await;
        follows.expect("the replica follows");
        Self {
            master,
            line,
            _replica: replica,
        }
    }

    fn race(&self, near: bool) -> Arc<Race> {
        Race::of((0..4).map(|_| {
            let redis = Redis::builder(self.master.url())
                .deadline(PATIENCE)
                // How long an invalidation waits is not what is asked here.
                .replica_patience(Duration::ZERO)
                .replica_reads(BOUND);
            let far = redis.build().expect("the settings are in order");
            let builder = Cache::builder().far(far).outage_budget(PATIENCE);
            build(if near {
                builder.near(Moka::default())
            } else {
                builder
            })
        }))
    }
}

/// Rarely enough written that the replica catches up in between.
async fn judged(race: &Arc<Race>, fault: impl Future) -> Row {
    let raced = race.run_writing(millis(2_000), LASTING, fault).await;
    let (mut row, report) = (raced.row(), &raced.report);
    row.back = Some(report.oldest);
    row.must(report.oldest < BOUND, || report.to_string());
    raced.confirmed(&mut row);
    row
}

async fn late(near: bool) -> Row {
    let pair = Pair::start().await;
    let race = pair.race(near);
    pair.line.set(Fault::Delay {
        requests: Duration::ZERO,
        replies: LAG,
    });
    let mut row = judged(&race, async {}).await;
    let oldest = row.back;
    row.must(near || oldest > Some(LAG / 2), || {
        format!("no replica was read: {oldest:?}")
    });
    row
}

async fn deaf() -> Row {
    let pair = Pair::start().await;
    let cut = async {
        sleep(LASTING / 4).await;
        pair.line.set(Fault::Swallow {
            links: Links::All,
            way: Way::Both,
        });
        sleep(LASTING / 2).await;
        pair.line.set(Fault::None);
        pair.line.reset_links();
    };
    judged(&pair.race(false), cut).await
}
