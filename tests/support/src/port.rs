//! Which ports tests listen on: free loopback ports that no outgoing connection can take.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use crate::random::Random;

/// Below the range from which the system takes ports for outgoing connections (32768 and up on
/// Linux, 49152 and up elsewhere). A port of that range could be lost while its server is down,
/// and a client that keeps connecting to it would in the end be connected to itself.
const PORTS: Range<u16> = 20_000..26_000;

/// Listens on a free loopback port. Dropping the listener frees the port for a server; until
/// that has bound it, somebody else may take it, which the server's start has to notice.
pub(crate) fn listen() -> TcpListener {
    let mut random = Random::new(RandomState::new().build_hasher().finish());
    for _ in 0..1_000 {
        let offset = random.below(PORTS.len());
        let port = PORTS.start + u16::try_from(offset).expect("an offset within 16-bit ports");
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener;
        }
    }
    panic!(
        "no free loopback port from {} to {}",
        PORTS.start,
        PORTS.end - 1
    );
}
