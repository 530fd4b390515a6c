//! A lease belongs to one life of a server: what another life counts alike is something else.

use std::time::Duration;

use cache_backends::Memcached;
use cache_core::{Backend, Header, Lease, Over, Prepare, Write};
use test_support::MemcachedServer;

use crate::probe::{LONG, MINE, back_within, read};

const OTHER: Header = *b"other1234567";

async fn lease(memcached: &Memcached, slot: &str, header: Header) -> bool {
    let lease = Lease {
        slot,
        header,
        over: Over::Empty,
        ttl: LONG,
    };
    let prepare = Prepare {
        stamps: &[],
        stamp_ttl: LONG,
        lease: Some(lease),
    };
    memcached.prepare(prepare).await.unwrap().leased
}

async fn store(memcached: &Memcached, slot: &str, expected: Header, payload: &[u8]) -> bool {
    let write = Write {
        slot,
        expected,
        envelope: [&expected[..], payload].concat().into(),
        ttl: LONG,
        stamps: &[],
        stamp_ttl: LONG,
    };
    memcached.store(write).await.unwrap()
}

fn connect(server: &MemcachedServer) -> Memcached {
    Memcached::connect(server.address()).unwrap()
}

/// Case 52: the lease of the new life has the very CAS value that the lost one had.
#[tokio::test]
async fn a_lease_of_an_earlier_life_cannot_store_over_one_of_this() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(&server);
    assert!(lease(&memcached, "slot", MINE).await);
    assert_eq!(server.ask("mg slot c", 1), ["HD c1"]);
    server.restart();
    let other = String::from_utf8_lossy(&OTHER).into_owned();
    let taken = server.ask(&format!("ms slot 12 T60 c\r\n{other}"), 1);
    assert_eq!(taken, ["HD c1"], "counted anew");

    back_within(&memcached, Duration::from_secs(2)).await;
    assert!(!store(&memcached, "slot", MINE, b"old").await);
    let standing = read(&memcached, "slot").await.unwrap();
    assert_eq!(standing.as_deref(), Some(&OTHER[..]));
    assert!(store(&memcached, "slot", OTHER, b"new").await);
}

/// The store names the CAS value that the lease was given: nothing is asked before.
#[tokio::test]
async fn a_store_under_a_lease_of_the_same_connection_is_one_round_trip() {
    let server = MemcachedServer::start(&[]);
    let memcached = connect(&server);
    assert!(lease(&memcached, "slot", MINE).await);
    let gets = server.stat("cmd_get").unwrap();
    assert!(store(&memcached, "slot", MINE, b"value").await);
    assert_eq!(server.stat("cmd_get").unwrap(), gets);
    // Over an entry, of which no lease tells anything, something has to be asked.
    assert!(store(&memcached, "slot", MINE, b"fresher").await);
    assert_ne!(server.stat("cmd_get").unwrap(), gets);
}

/// What is remembered of a lease is a shortcut, and never the answer.
#[tokio::test]
async fn a_lease_that_another_connection_took_anew_is_compared_by_its_header() {
    let server = MemcachedServer::start(&[]);
    let (one, other) = (connect(&server), connect(&server));
    assert!(lease(&one, "slot", MINE).await);
    server.ask("md slot", 1);
    assert!(lease(&other, "slot", MINE).await, "with the same header");
    assert!(store(&one, "slot", MINE, b"value").await);
    assert!(lease(&one, "gone", MINE).await);
    server.ask("md gone", 1);
    assert!(!store(&one, "gone", MINE, b"value").await);
    assert!(lease(&one, "taken", MINE).await);
    server.ask("md taken", 1);
    assert!(lease(&other, "taken", OTHER).await);
    assert!(!store(&one, "taken", MINE, b"value").await);
}
