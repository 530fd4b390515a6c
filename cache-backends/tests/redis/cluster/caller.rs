//! One caller for each shard, all at work during a fault.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, Error, Invalidate, Result};
use test_support::RedisCluster;
use tokio::{task::JoinHandle, time::sleep};

use crate::probe::LONG;

/// Between two rounds of a caller.
const PACE: Duration = Duration::from_millis(10);

/// What a caller did in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) began: Instant,
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    /// Whether what was written last was read.
    pub(crate) found: Result<bool>,
    pub(crate) wrote: Result<()>,
}

impl Round {
    pub(crate) fn is_well(&self) -> bool {
        matches!(self.found, Ok(true)) && self.wrote.is_ok()
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        let read = self.found.as_ref().err();
        read.into_iter().chain(self.wrote.as_ref().err())
    }
}

/// The callers of a cluster, one for each of its first masters.
pub(crate) struct Callers(Vec<JoinHandle<Vec<Round>>>);

/// Writes a stamp alone.
pub(crate) async fn write(redis: &Redis, name: &str, value: u64) -> Result<()> {
    let change = Invalidate {
        slots: &[],
        stamps: &[(name, value)],
        stamp_ttl: LONG,
        channel: "",
        notice: b"",
    };
    redis.invalidate(change).await
}

/// A name on each of the first masters.
pub(crate) fn names(cluster: &RedisCluster) -> Vec<String> {
    (0..3).map(|at| cluster.key_on(at, "shard:")).collect()
}

impl Callers {
    /// Starts callers that go on until `end`.
    pub(crate) async fn start(redis: &Redis, cluster: &Arc<RedisCluster>, end: Instant) -> Self {
        let names = names(cluster);
        for name in &names {
            write(redis, name, 0).await.expect("all is well at first");
        }
        let callers = names.into_iter().map(|name| {
            let redis = redis.clone();
            tokio::spawn(async move { call(redis, name, end).await })
        });
        Self(callers.collect())
    }

    /// The rounds of each caller.
    pub(crate) async fn rounds(self) -> Vec<Vec<Round>> {
        let mut all = Vec::new();
        for caller in self.0 {
            all.push(caller.await.expect("no call panics"));
        }
        all
    }
}

async fn call(redis: Redis, name: String, end: Instant) -> Vec<Round> {
    let mut rounds = Vec::new();
    for value in 1.. {
        let began = Instant::now();
        if began > end {
            break;
        }
        let wrote = write(&redis, &name, value).await;
        let written = began.elapsed();
        let reading = Instant::now();
        let found = redis.read(&[&name]).await;
        let wanted = value.to_be_bytes();
        rounds.push(Round {
            began,
            read: reading.elapsed(),
            write: written,
            found: found.map(|found| found[0].as_deref() == Some(&wanted)),
            wrote,
        });
        sleep(PACE).await;
    }
    rounds
}
