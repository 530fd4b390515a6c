//! The cases of one Redis server.

use std::net::SocketAddr;

use test_support::{Mix, Naive, RedisServer};

use crate::{
    driver::Far,
    single::{self, Server},
    suite::Case,
};

mod impostor;
mod outages;
mod races;
mod refusals;
mod replica;
mod rights;

impl Server for RedisServer {
    const STORE: &'static str = "redis";
    const FED: bool = true;
    type Naive = Naive;

    fn start() -> Self {
        Self::start(&[])
    }

    fn addr(&self) -> SocketAddr {
        self.addr()
    }

    fn far(addr: SocketAddr) -> Far {
        Far::Redis(format!("redis://{addr}"))
    }

    fn naive(&self) -> Naive {
        Naive::new(self.addr(), Mix::default().keys)
    }

    fn kill(&self) {
        self.kill();
    }

    fn restart(&self) {
        self.restart();
    }

    fn stop(&self) {
        self.stop();
    }

    fn cont(&self) {
        self.cont();
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(single::cases::<RedisServer>());
    cases.extend(races::cases());
    cases.extend(outages::cases());
    cases.extend(refusals::cases());
    cases.extend(rights::cases());
    cases.extend(replica::cases());
    cases
}

fn case<F: Future<Output = crate::suite::Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, RedisServer::STORE, fault, promise, run)
}

fn far(server: &RedisServer) -> Far {
    Far::Redis(server.url())
}

fn with_password(addr: SocketAddr, password: &str) -> Far {
    Far::Redis(format!("redis://:{password}@{addr}"))
}
