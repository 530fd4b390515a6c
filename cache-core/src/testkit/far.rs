//! The rules of [`Backend`], one function each, so that a store which breaks one says which.
//!
//! [`conformance!`](crate::conformance) makes a test of each. A rule panics when it is broken. Each
//! uses names of its own, so that many may run at once on one server.

#![allow(
    clippy::missing_panics_doc,
    reason = "every rule panics when it is broken: that is what it is for"
)]

use std::{
    future::poll_fn,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::{Backend, Header, Lease, Over, Prepare, Stamp, Write};

mod feeds;
mod invalidations;
mod prepares;
mod reads;
mod stores;

pub use feeds::*;
pub use invalidations::*;
pub use prepares::*;
pub use reads::*;
pub use stores::*;

/// Longer than any rule takes, and longer than any store needs to answer.
const LONG: Duration = Duration::from_secs(60);
/// A life short enough to be waited for, and much longer than a round trip.
const SHORT: Duration = Duration::from_millis(150);
/// After this a [`SHORT`] life is over by any clock: a store may count in seconds, round up and
/// add one for its tick.
const OVER: Duration = Duration::from_secs(4);

const MINE: Header = *b"mine12345678";
const OTHER: Header = *b"other1234567";

/// Declares one `#[tokio::test]` for every rule of [`Backend`](crate::Backend), in the module
/// where it stands. tokio needs the features `macros` and `rt` for that.
///
/// ```
/// # #[cfg(test)]
/// mod tests {
///     use cache_core::testkit::MemoryFar;
///
///     cache_core::conformance!(MemoryFar::default());
/// }
/// ```
///
/// The expression is evaluated anew in each test and may await. Where the store is a part of what
/// has to be kept until the end, a second argument says which:
/// `conformance!(Room::open().await, |room| &room.redis)`.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance!($make, |subject| subject);
    };
    ($make:expr, |$subject:ident| $store:expr) => {
        $crate::conformance! { @each ($make) ($subject) ($store)
            what_is_missing_reads_as_none
            reading_nothing_gives_nothing
            values_come_back_in_the_order_asked
            any_bytes_come_back_as_they_were_stored
            a_name_of_200_bytes_is_as_good_as_any
            a_missing_stamp_is_made_of_eight_big_endian_bytes
            a_standing_stamp_keeps_its_nonce
            stamps_are_given_in_the_order_asked
            a_stamp_expires
            no_lease_is_given_where_none_was_asked_for
            a_lease_over_an_empty_slot_is_given_once
            a_refused_lease_leaves_the_slot_as_it_was
            a_lease_over_a_seen_header_is_given_for_that_header_only
            a_lease_over_a_seen_header_is_given_when_the_slot_is_empty
            a_lease_over_anything_is_given
            a_lease_runs_out
            of_many_who_want_a_lease_one_gets_it
            a_store_replaces_the_header_it_names
            a_store_does_not_replace_another_header
            a_store_does_not_fill_an_empty_slot
            of_many_who_store_over_one_header_one_does
            a_stored_envelope_expires
            a_store_raises_the_life_of_its_stamps
            a_store_never_shortens_the_life_of_a_stamp
            a_store_does_not_make_a_missing_stamp
            an_invalidation_removes_slots_and_moves_stamps
            an_invalidation_may_be_repeated
            an_invalidation_of_nothing_succeeds
            an_invalidated_lease_cannot_store
            a_moved_stamp_expires
            a_guarded_stamp_stands_while_the_server_does
            a_notice_arrives_after_the_change_it_announces
            notices_arrive_in_order_and_on_their_channel_only
            a_feed_is_connected_and_then_alive
            a_sweep_takes_prefixes_literally_and_obeys_its_filter
            a_dropped_call_never_shifts_the_answers_of_others
        }
    };
    (@each $make:tt $subject:tt $store:tt $($rule:ident)+) => {
        $($crate::conformance! { @one $make $subject $store $rule })+
    };
    (@one ($make:expr) ($subject:ident) ($store:expr) $rule:ident) => {
        #[tokio::test]
        async fn $rule() {
            let $subject = $make;
            let $subject = &$subject;
            $crate::testkit::far::$rule($store).await;
        }
    };
}

/// A name that nobody else uses, in this process or another.
fn fresh(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("conformance:{}:{next}:{what}", std::process::id())
}

async fn read(store: &impl Backend, name: &str) -> Option<Bytes> {
    let mut read = store.read(&[name]).await.expect("reads one name");
    assert_eq!(read.len(), 1, "one name was asked for");
    read.remove(0)
}

/// Waits until a [`SHORT`] life is over.
async fn gone(store: &impl Backend, name: &str) {
    let start = Instant::now();
    while read(store, name).await.is_some() {
        let age = start.elapsed();
        assert!(age < OVER, "{name} still lives after {age:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a [`SHORT`] life that began before this is over, as names that nobody prolongs
/// tell: several, for a store may be of several servers with clocks of their own.
async fn over(store: &impl Backend) {
    let controls: Vec<String> = (0..8).map(|_| fresh("control")).collect();
    for control in &controls {
        stamps(store, &[(control, 1)], SHORT).await;
    }
    for control in &controls {
        gone(store, control).await;
    }
}

async fn stamps(store: &impl Backend, stamps: &[(&str, Stamp)], ttl: Duration) -> Vec<Stamp> {
    let prepare = Prepare {
        stamps,
        stamp_ttl: ttl,
        lease: None,
    };
    store.prepare(prepare).await.expect("makes stamps").stamps
}

async fn lease(
    store: &impl Backend,
    slot: &str,
    header: Header,
    over: Over,
    ttl: Duration,
) -> bool {
    let prepare = Prepare {
        stamps: &[],
        stamp_ttl: LONG,
        lease: Some(Lease {
            slot,
            header,
            over,
            ttl,
        }),
    };
    store
        .prepare(prepare)
        .await
        .expect("asks for a lease")
        .leased
}

fn envelope(header: Header, payload: &[u8]) -> Bytes {
    [&header[..], payload].concat().into()
}

fn write(slot: &str, expected: Header, envelope: Bytes) -> Write<'_> {
    Write {
        slot,
        expected,
        envelope,
        ttl: LONG,
        stamps: &[],
        stamp_ttl: LONG,
    }
}

/// Puts an envelope where nothing was.
async fn put(store: &impl Backend, slot: &str, bytes: Bytes) {
    assert!(lease(store, slot, MINE, Over::Anything, LONG).await);
    let stored = store.store(write(slot, MINE, bytes)).await;
    assert!(stored.expect("stores"), "the lease was there");
}

/// Runs all futures at once and gives their outputs in order.
async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|one| (Box::pin(one), None))
        .collect();
    poll_fn(move |context| {
        for (future, output) in &mut running {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) {
            Poll::Ready(
                running
                    .iter_mut()
                    .filter_map(|(_, output)| output.take())
                    .collect(),
            )
        } else {
            Poll::Pending
        }
    })
    .await
}
