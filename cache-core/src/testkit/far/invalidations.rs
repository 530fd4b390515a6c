//! The rules of [`Backend::invalidate`], [`Backend::guard`] and [`Backend::sweep`].

use super::{LONG, MINE, OTHER, SHORT, envelope, fresh, gone, lease, put, read, stamps, write};
use crate::{Backend, ErrorKind, Invalidate, Over, Stamp};

async fn invalidate(store: &impl Backend, slots: &[&str], stamps: &[(&str, Stamp)]) {
    let change = Invalidate {
        slots,
        stamps,
        stamp_ttl: LONG,
        channel: "",
        notice: b"",
    };
    store.invalidate(change).await.expect("invalidates");
}

/// Entries, leases and stamps alike, present or not.
pub async fn an_invalidation_removes_slots_and_moves_stamps(store: &impl Backend) {
    let (entry, leased, missing) = (fresh("entry"), fresh("leased"), fresh("missing"));
    let (standing, absent) = (fresh("standing"), fresh("absent"));
    put(store, &entry, envelope(MINE, b"value")).await;
    assert!(lease(store, &leased, MINE, Over::Empty, LONG).await);
    stamps(store, &[(&standing, 1)], LONG).await;
    let slots = [&*entry, &*leased, &*missing];
    invalidate(store, &slots, &[(&standing, 2), (&absent, 3)]).await;
    let read = store.read(&slots).await.expect("reads the slots");
    assert_eq!(read, [None, None, None]);
    let now = stamps(store, &[(&standing, 8), (&absent, 9)], LONG).await;
    assert_eq!(now, [2, 3]);
}

/// A repetition changes nothing.
pub async fn an_invalidation_may_be_repeated(store: &impl Backend) {
    let (slot, stamp) = (fresh("slot"), fresh("stamp"));
    put(store, &slot, envelope(MINE, b"value")).await;
    for _ in 0..2 {
        invalidate(store, &[&slot], &[(&stamp, 5)]).await;
        assert_eq!(read(store, &slot).await, None);
        assert_eq!(stamps(store, &[(&stamp, 6)], LONG).await, [5]);
    }
}

/// No slots, no stamps, no notice, no error.
pub async fn an_invalidation_of_nothing_succeeds(store: &impl Backend) {
    invalidate(store, &[], &[]).await;
}

/// A load that began before an invalidation of its key stores nothing after it.
pub async fn an_invalidated_lease_cannot_store(store: &impl Backend) {
    let slot = fresh("slot");
    assert!(lease(store, &slot, MINE, Over::Empty, LONG).await);
    invalidate(store, &[&slot], &[]).await;
    let late = store
        .store(write(&slot, MINE, envelope(MINE, b"old")))
        .await;
    assert!(!late.expect("is refused"));
    assert!(lease(store, &slot, OTHER, Over::Empty, LONG).await);
    let late = store
        .store(write(&slot, MINE, envelope(MINE, b"old")))
        .await;
    assert!(!late.expect("is refused, also over the lease of the next"));
}

/// A moved stamp lives as long as was said.
pub async fn a_moved_stamp_expires(store: &impl Backend) {
    let stamp = fresh("stamp");
    let change = Invalidate {
        slots: &[],
        stamps: &[(&stamp, 4)],
        stamp_ttl: SHORT,
        channel: "",
        notice: b"",
    };
    store.invalidate(change).await.expect("invalidates");
    assert!(read(store, &stamp).await.is_some(), "lives for a while");
    gone(store, &stamp).await;
}

/// Guarding a stamp, once or more often, costs nothing while the server loses nothing, and takes
/// no other stamp along.
pub async fn a_guarded_stamp_stands_while_the_server_does(store: &impl Backend) {
    let (guarded, other) = (fresh("guarded"), fresh("other"));
    store.guard(&guarded);
    // Each of several servers looks after it from its first call on.
    let everywhere: Vec<String> = (0..64).map(|_| fresh("anywhere")).collect();
    let everywhere: Vec<&str> = everywhere.iter().map(String::as_str).collect();
    store.read(&everywhere).await.expect("reads");
    assert_eq!(stamps(store, &[(&guarded, 5)], LONG).await, [5]);
    assert_eq!(stamps(store, &[(&other, 6)], LONG).await, [6]);
    store.guard(&guarded);
    store.guard(&fresh("later"));
    let both = [(&*guarded, 8), (&*other, 9)];
    assert_eq!(stamps(store, &both, LONG).await, [5, 6]);
}

/// No character of a prefix is a wildcard, and what the filter spares stays. A store that cannot
/// list its names says so.
pub async fn a_sweep_takes_prefixes_literally_and_obeys_its_filter(store: &impl Backend) {
    let base = fresh("sweep");
    let prefix = format!("{base}:a*?[b]\\^:");
    let name = |tail: &str| format!("{prefix}{tail}");
    let (gone, spared) = (name("1"), name("spared"));
    let beside = [
        format!("{base}:aXYb\\^:1"),
        format!("{base}:a*?[b]"),
        format!("x{prefix}1"),
    ];
    for slot in [&gone, &spared].into_iter().chain(&beside) {
        put(store, slot, envelope(MINE, b"value")).await;
    }
    match store
        .sweep(&prefix, &|name| !name.ends_with("spared"))
        .await
    {
        Ok(count) => assert_eq!(count, 1),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
            return;
        }
    }
    assert_eq!(read(store, &gone).await, None);
    for slot in [&spared].into_iter().chain(&beside) {
        assert!(
            read(store, slot).await.is_some(),
            "{slot} was not asked for"
        );
    }
}
