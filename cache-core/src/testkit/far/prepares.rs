//! The rules of [`Backend::prepare`]: stamps and leases.

use super::{
    LONG, MINE, OTHER, SHORT, all, envelope, fresh, gone, lease, put, read, stamps, write,
};
use crate::{Backend, Over, Prepare, Prepared, Stamp};

/// A stamp is its nonce, eight bytes, big end first.
pub async fn a_missing_stamp_is_made_of_eight_big_endian_bytes(store: &impl Backend) {
    let name = fresh("stamp");
    let nonce = 0x0102_0304_0506_0708;
    assert_eq!(stamps(store, &[(&name, nonce)], LONG).await, [nonce]);
    let bytes = read(store, &name).await.expect("was made");
    assert_eq!(&bytes[..], [1, 2, 3, 4, 5, 6, 7, 8]);
}

/// Who comes later is told the nonce that stands.
pub async fn a_standing_stamp_keeps_its_nonce(store: &impl Backend) {
    let name = fresh("stamp");
    assert_eq!(stamps(store, &[(&name, 1)], LONG).await, [1]);
    assert_eq!(stamps(store, &[(&name, 2)], LONG).await, [1]);
    assert_eq!(
        &read(store, &name).await.expect("stands")[..],
        1u64.to_be_bytes()
    );
}

/// Made and standing ones, each at its place, also at the edges of 64 bits.
pub async fn stamps_are_given_in_the_order_asked(store: &impl Backend) {
    let names: Vec<String> = (0..16).map(|i| fresh(&format!("stamp{i}"))).collect();
    stamps(store, &[(&names[3], 333), (&names[9], u64::MAX)], LONG).await;
    let wanted: Vec<(&str, Stamp)> = names.iter().map(|name| &**name).zip(0..).collect();
    let mut expected: Vec<Stamp> = (0..16).collect();
    (expected[3], expected[9]) = (333, u64::MAX);
    assert_eq!(stamps(store, &wanted, LONG).await, expected);
}

/// A stamp that nobody raises is gone after its life.
pub async fn a_stamp_expires(store: &impl Backend) {
    let name = fresh("stamp");
    stamps(store, &[(&name, 1)], SHORT).await;
    assert!(read(store, &name).await.is_some(), "lives for a while");
    gone(store, &name).await;
}

/// `lease: None` is answered with `leased: false`, and with nothing at all to do, nothing is done.
pub async fn no_lease_is_given_where_none_was_asked_for(store: &impl Backend) {
    let nothing = Prepare {
        stamps: &[],
        stamp_ttl: LONG,
        lease: None,
    };
    let prepared = store.prepare(nothing).await.expect("prepares nothing");
    let expected = Prepared {
        stamps: Vec::new(),
        leased: false,
    };
    assert_eq!(prepared, expected);
}

/// The second finds the slot taken.
pub async fn a_lease_over_an_empty_slot_is_given_once(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    assert!(!lease(store, &slot, OTHER, Over::Empty, LONG).await);
    assert!(
        !lease(store, &slot, MINE, Over::Empty, LONG).await,
        "not even to its holder"
    );
}

/// The holder's lease, or the entry, stays.
pub async fn a_refused_lease_leaves_the_slot_as_it_was(store: &impl Backend) {
    let slot = fresh("slot");
    put(store, &slot, envelope(MINE, b"value")).await;
    assert!(!lease(store, &slot, OTHER, Over::Empty, LONG).await);
    assert!(!lease(store, &slot, OTHER, Over::Seen(OTHER), LONG).await);
    assert_eq!(read(store, &slot).await, Some(envelope(MINE, b"value")));
}

/// Twelve bytes decide, whatever follows them.
pub async fn a_lease_over_a_seen_header_is_given_for_that_header_only(store: &impl Backend) {
    let slot = fresh("slot");
    put(store, &slot, envelope(MINE, b"an expired value")).await;
    let mut almost = MINE;
    almost[11] ^= 1;
    assert!(!lease(store, &slot, OTHER, Over::Seen(almost), LONG).await);
    assert!(lease(store, &slot, OTHER, Over::Seen(MINE), LONG).await);
    assert_eq!(&read(store, &slot).await.expect("a lease")[..], OTHER);
}

/// What was seen may have gone since.
pub async fn a_lease_over_a_seen_header_is_given_when_the_slot_is_empty(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Seen(OTHER), LONG).await);
    assert_eq!(&read(store, &slot).await.expect("a lease")[..], MINE);
}

/// Whoever may take it takes it, from an entry, a lease or nobody.
pub async fn a_lease_over_anything_is_given(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Anything, LONG).await);
    assert!(lease(store, &slot, OTHER, Over::Anything, LONG).await);
    assert_eq!(&read(store, &slot).await.expect("a lease")[..], OTHER);
    put(store, &slot, envelope(OTHER, b"value")).await;
    assert!(lease(store, &slot, MINE, Over::Anything, LONG).await);
    assert_eq!(&read(store, &slot).await.expect("a lease")[..], MINE);
}

/// A holder that died does not block a slot for ever, and stores nothing when it wakes.
pub async fn a_lease_runs_out(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Empty, SHORT).await);
    gone(store, &slot).await;
    let late = store
        .store(write(&slot, MINE, envelope(MINE, b"late")))
        .await;
    assert!(!late.expect("is refused"));
    assert!(lease(store, &slot, OTHER, Over::Empty, LONG).await);
}

/// Comparing and writing is one step.
pub async fn of_many_who_want_a_lease_one_gets_it(store: &impl Backend) {
    for _ in 0..20 {
        let slot = fresh("slot");
        let ask = |i: u8| lease(store, &slot, [i; 12], Over::Empty, LONG);
        let given = all((0..8).map(ask)).await;
        assert_eq!(given.iter().filter(|given| **given).count(), 1, "{given:?}");
        let holder = read(store, &slot).await.expect("a lease")[0];
        assert!(
            given[usize::from(holder)],
            "the holder's header is in the slot"
        );
    }
}
