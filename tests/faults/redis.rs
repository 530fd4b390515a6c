//! The cases of one Redis server.

use std::net::SocketAddr;

use test_support::{FaultProxy, RedisServer};

use crate::{driver::Far, suite::Case};

mod impostor;
mod lines;
mod outages;
mod races;
mod refusals;

const STORE: &str = "redis";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(races::cases());
    cases.extend(outages::cases());
    cases.extend(lines::cases());
    cases.extend(refusals::cases());
    cases
}

fn case<F: Future<Output = crate::suite::Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, STORE, fault, promise, run)
}

fn far(server: &RedisServer) -> Far {
    Far::Redis(server.url())
}

/// A server, and a line to it that can be broken.
fn behind_a_proxy() -> (RedisServer, FaultProxy, Far) {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let far = Far::Redis(proxy.url());
    (server, proxy, far)
}

fn with_password(addr: SocketAddr, password: &str) -> Far {
    Far::Redis(format!("redis://:{password}@{addr}"))
}
