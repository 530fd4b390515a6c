//! What the tests ask of a store, and how they watch it through a fault.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cache_core::{
    Backend, Error, Header, Invalidate, Lease, Over, Prepare, Prepared, Result, Stamp, Write,
};
use tokio::time::sleep;

pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const MINE: Header = *b"mine12345678";

/// What is added to a deadline before a call counts as late: the machine may be busy.
pub(crate) const SLACK: Duration = Duration::from_millis(100);

pub(crate) async fn read(store: &impl Backend, name: &str) -> Result<Option<Bytes>> {
    Ok(store.read(&[name]).await?.remove(0))
}

pub(crate) async fn prepare(
    store: &impl Backend,
    slot: &str,
    stamps: &[(&str, Stamp)],
) -> Result<Prepared> {
    let lease = Lease {
        slot,
        header: MINE,
        over: Over::Empty,
        ttl: LONG,
    };
    let prepare = Prepare {
        stamps,
        stamp_ttl: LONG,
        lease: Some(lease),
    };
    store.prepare(prepare).await
}

pub(crate) async fn store(store: &impl Backend, slot: &str, payload: &[u8]) -> Result<bool> {
    let write = Write {
        slot,
        expected: MINE,
        envelope: [&MINE[..], payload].concat().into(),
        ttl: LONG,
        stamps: &[],
        stamp_ttl: LONG,
    };
    store.store(write).await
}

pub(crate) async fn invalidate(
    store: &impl Backend,
    slots: &[&str],
    stamps: &[(&str, Stamp)],
) -> Result<()> {
    let change = Invalidate {
        slots,
        stamps,
        stamp_ttl: LONG,
        channel: "channel",
        notice: b"notice",
    };
    store.invalidate(change).await
}

/// One call, as its caller saw it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) error: Option<Error>,
}

impl Call {
    pub(crate) fn ended(&self) -> Instant {
        self.began + self.took
    }
}

/// The calls of one caller, in order.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

/// Reads every few milliseconds until `meanwhile` is done, and a little longer.
pub(crate) async fn read_during(
    store: &impl Backend,
    meanwhile: impl Future<Output = ()>,
) -> Calls {
    let mut meanwhile = std::pin::pin!(meanwhile);
    let mut calls = Vec::new();
    let mut go_on = true;
    while go_on {
        let pause = Duration::from_millis(5);
        go_on = tokio::time::timeout(pause, &mut meanwhile).await.is_err();
        calls.push(call(store).await);
    }
    Calls(calls)
}

pub(crate) async fn call(store: &impl Backend) -> Call {
    let began = Instant::now();
    let read = read(store, "name").await;
    Call {
        began,
        took: began.elapsed(),
        error: read.err(),
    }
}

/// Reads until it succeeds, and gives how long that took.
///
/// # Panics
///
/// If it takes longer than `bound`.
pub(crate) async fn back_within(store: &impl Backend, bound: Duration) -> Duration {
    let start = Instant::now();
    loop {
        let call = call(store).await;
        let Some(error) = call.error else {
            return start.elapsed();
        };
        let late = start.elapsed();
        assert!(late < bound, "still failing after {late:?}: {error}");
        sleep(Duration::from_millis(2)).await;
    }
}

impl Calls {
    /// How long it took, after each failure, until a call succeeded again.
    pub(crate) fn gaps(&self) -> Vec<Duration> {
        let mut gaps = Vec::new();
        let mut since = None;
        for call in &self.0 {
            match (&call.error, since) {
                (Some(_), None) => since = Some(call.began),
                (None, Some(began)) => {
                    gaps.push(call.ended() - began);
                    since = None;
                }
                _ => {}
            }
        }
        gaps
    }

    pub(crate) fn slowest(&self) -> Duration {
        let slowest = self.0.iter().map(|call| call.took).max();
        slowest.expect("there were calls")
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.0.iter().filter_map(|call| call.error.as_ref())
    }

    /// How long the middle one of the failing calls took.
    pub(crate) fn median_failure(&self) -> Duration {
        let failing = self.0.iter().filter(|call| call.error.is_some());
        let mut times: Vec<Duration> = failing.map(|call| call.took).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }
}
