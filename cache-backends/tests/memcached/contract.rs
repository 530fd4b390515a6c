//! Every rule of the contract holds, on one server and on three.

use cache_backends::{Distribution, Memcached};
use test_support::MemcachedServer;

/// Servers, and the store in them.
struct Room {
    memcached: Memcached,
    _servers: Vec<MemcachedServer>,
}

/// With room for a megabyte and its header, which memcached refuses by default.
fn room(servers: usize, distribution: Distribution) -> Room {
    let servers: Vec<_> = (0..servers)
        .map(|_| MemcachedServer::start(&["-I", "2m"]))
        .collect();
    let memcached = Memcached::builder(servers.iter().map(MemcachedServer::address))
        .distribution(distribution)
        .deadline(std::time::Duration::from_secs(5))
        .build();
    Room {
        memcached: memcached.unwrap(),
        _servers: servers,
    }
}

mod one {
    use super::{Distribution, room};

    cache_core::conformance!(room(1, Distribution::Rendezvous), |room| &room.memcached);
}

mod three {
    use super::{Distribution, room};

    cache_core::conformance!(room(3, Distribution::Rendezvous), |room| &room.memcached);
}

#[tokio::test]
async fn names_on_a_continuum_are_found_again() {
    use cache_core::testkit::far;

    let room = room(3, Distribution::Ketama);
    far::values_come_back_in_the_order_asked(&room.memcached).await;
    far::stamps_are_given_in_the_order_asked(&room.memcached).await;
    far::a_store_replaces_the_header_it_names(&room.memcached).await;
    far::an_invalidation_removes_slots_and_moves_stamps(&room.memcached).await;
}
