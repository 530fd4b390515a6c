//! The cases of every store that is one server.

use std::net::SocketAddr;

use test_support::{FaultProxy, Subject};

use crate::{
    driver::Far,
    suite::{Case, Row},
};

mod lines;
mod outages;
mod races;

/// A store on one server, which the cases break.
pub(crate) trait Server: Send + Sync + Sized + 'static {
    const STORE: &'static str;
    /// Whether it tells of invalidations.
    const FED: bool;
    /// A cache without a fence on the same store.
    type Naive: Subject;

    fn start() -> Self;
    fn addr(&self) -> SocketAddr;
    /// Where a process looks for the store that listens at `addr`.
    fn far(addr: SocketAddr) -> Far;
    fn naive(&self) -> Self::Naive;
    fn kill(&self);
    fn restart(&self);
    fn stop(&self);
    fn cont(&self);

    /// What the list of cases calls this store's case of a fault that has a number for Redis.
    fn number(number: u8) -> u8 {
        number
    }
}

pub(crate) fn cases<S: Server>() -> Vec<Case> {
    let mut cases = races::cases::<S>();
    cases.extend(outages::cases::<S>());
    cases.extend(lines::cases::<S>());
    cases
}

fn case<S: Server, F: Future<Output = Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(S::number(number), S::STORE, fault, promise, run)
}

fn far<S: Server>(server: &S) -> Far {
    S::far(server.addr())
}

/// A server, and a line to it that can be broken.
fn behind_a_proxy<S: Server>() -> (S, FaultProxy, Far) {
    let server = S::start();
    let proxy = FaultProxy::start(server.addr());
    let far = S::far(proxy.addr());
    (server, proxy, far)
}
