//! The rules of [`Backend::store`].

use super::{
    LONG, MINE, OTHER, SHORT, all, envelope, fresh, gone, lease, over, put, read, stamps, write,
};
use crate::{Backend, Over, Write};

/// The envelope takes the place of the lease.
pub async fn a_store_replaces_the_header_it_names(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    let stored = store
        .store(write(&slot, MINE, envelope(OTHER, b"value")))
        .await;
    assert!(stored.expect("stores"));
    assert_eq!(read(store, &slot).await, Some(envelope(OTHER, b"value")));
    let again = store
        .store(write(&slot, OTHER, envelope(MINE, b"fresher")))
        .await;
    assert!(again.expect("stores over an entry it has seen"));
    assert_eq!(read(store, &slot).await, Some(envelope(MINE, b"fresher")));
}

/// Whoever lost the slot stores nothing, and that is no error.
pub async fn a_store_does_not_replace_another_header(store: &impl Backend) {
    let slot = fresh("slot");
    put(store, &slot, envelope(MINE, b"value")).await;
    let stored = store
        .store(write(&slot, OTHER, envelope(OTHER, b"late")))
        .await;
    assert!(!stored.expect("is refused"));
    assert_eq!(read(store, &slot).await, Some(envelope(MINE, b"value")));
}

/// A lease that was removed, evicted or has run out is a lease lost.
pub async fn a_store_does_not_fill_an_empty_slot(store: &impl Backend) {
    let slot = fresh("slot");
    let stored = store
        .store(write(&slot, MINE, envelope(MINE, b"late")))
        .await;
    assert!(!stored.expect("is refused"));
    assert_eq!(read(store, &slot).await, None);
}

/// Comparing and writing is one step.
pub async fn of_many_who_store_over_one_header_one_does(store: &impl Backend) {
    for _ in 0..20 {
        let slot = fresh("slot");
        put(store, &slot, envelope(MINE, b"old")).await;
        let try_to = |i: u8| store.store(write(&slot, MINE, envelope([i; 12], &[i])));
        let stored = all((0..8).map(try_to)).await;
        let winners = stored.iter().filter(|stored| matches!(stored, Ok(true)));
        assert_eq!(winners.count(), 1, "{stored:?}");
        let winner = read(store, &slot).await.expect("an entry")[0];
        assert!(
            matches!(stored[usize::from(winner)], Ok(true)),
            "{stored:?}"
        );
    }
}

/// The store itself ends an entry's life.
pub async fn a_stored_envelope_expires(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    let short = Write {
        ttl: SHORT,
        ..write(&slot, MINE, envelope(MINE, b"value"))
    };
    assert!(store.store(short).await.expect("stores"));
    assert!(read(store, &slot).await.is_some(), "lives for a while");
    gone(store, &slot).await;
}

/// A stamp outlives the entries that carry it.
pub async fn a_store_raises_the_life_of_its_stamps(store: &impl Backend) {
    let (slot, one, two) = (fresh("slot"), fresh("one"), fresh("two"));
    stamps(store, &[(&one, 1), (&two, 2)], SHORT).await;
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    let names = [&*one, &*two];
    let raising = Write {
        stamps: &names,
        ..write(&slot, MINE, envelope(MINE, b"value"))
    };
    assert!(store.store(raising).await.expect("stores"));
    over(store).await;
    let read = store.read(&names).await.expect("reads two stamps");
    assert!(read.iter().all(Option::is_some), "{read:?}");
}

/// A short entry does not end a stamp on which longer ones rest.
pub async fn a_store_never_shortens_the_life_of_a_stamp(store: &impl Backend) {
    let (slot, stamp) = (fresh("slot"), fresh("stamp"));
    stamps(store, &[(&stamp, 1)], LONG).await;
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    let brief = Write {
        stamps: &[&stamp],
        stamp_ttl: SHORT,
        ..write(&slot, MINE, envelope(MINE, b"value"))
    };
    assert!(store.store(brief).await.expect("stores"));
    over(store).await;
    assert!(read(store, &stamp).await.is_some(), "still lives");
}

/// A stamp that was lost stays lost: nothing is made valid again.
pub async fn a_store_does_not_make_a_missing_stamp(store: &impl Backend) {
    let (slot, stamp) = (fresh("slot"), fresh("stamp"));
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    let storing = Write {
        stamps: &[&stamp],
        ..write(&slot, MINE, envelope(MINE, b"value"))
    };
    assert!(store.store(storing).await.expect("stores"));
    assert_eq!(read(store, &stamp).await, None);
}
