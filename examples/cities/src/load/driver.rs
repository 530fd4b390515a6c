//! Clients that ask and change until the time is over, and hold each answer against the ledger.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Failure, Load, Measured, answer::Answer, ask::Fame, client::Client, ledger::Ledger};
use crate::{Catalogue, web};

/// What all clients of one service share.
pub(super) struct Driver {
    fame: Fame,
    ledger: Mutex<Ledger>,
}

/// What one client saw.
#[derive(Default)]
struct Tally {
    reads: Vec<Duration>,
    changes: Vec<Duration>,
    stale: u32,
    wrong: u32,
}

struct Bounds {
    end: Instant,
    left: AtomicU32,
    change_in: u32,
}

impl Driver {
    pub(super) fn new() -> Self {
        let fame = Fame::new();
        let ledger = Mutex::new(Ledger::new(&fame));
        Self { fame, ledger }
    }

    /// Starts a service on a free port of this machine, drives it, and stops it.
    pub(super) async fn drive(
        self: &Arc<Self>,
        catalogue: impl Catalogue,
        load: &Load,
    ) -> Result<Measured, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let trips = catalogue.db().trips();
        let service = web::router(catalogue.clone());
        let service = tokio::spawn(async move { axum::serve(listener, service).await });

        let start = Instant::now();
        let tally = self.clients(address, load).await;
        let elapsed = start.elapsed();
        service.abort();

        let reads = catalogue.db().trips().reads - trips.reads;
        Ok(tally?.measured(elapsed, u32::try_from(reads)?))
    }

    async fn clients(self: &Arc<Self>, address: SocketAddr, load: &Load) -> Result<Tally, Failure> {
        let bounds = Arc::new(Bounds {
            end: Instant::now() + load.time,
            left: AtomicU32::new(load.requests),
            change_in: load.change_in,
        });
        let mut clients = JoinSet::new();
        for seed in 0..load.clients {
            let (driver, bounds) = (Arc::clone(self), Arc::clone(&bounds));
            let random = Rng::with_seed(u64::from(seed));
            clients.spawn(async move { driver.client(address, &bounds, random).await });
        }
        let mut all = Tally::default();
        while let Some(tally) = clients.join_next().await {
            all.add(tally??);
        }
        Ok(all)
    }

    async fn client(
        &self,
        address: SocketAddr,
        bounds: &Bounds,
        mut random: Rng,
    ) -> Result<Tally, Failure> {
        let mut client = Client::connect(address).await?;
        let mut tally = Tally::default();
        while bounds.again() {
            let (ask, known) = self.ledger(|ledger| {
                let Ledger { created, gone, .. } = &*ledger;
                let ask = self.fame.ask(&mut random, bounds.change_in, created, gone);
                let known = ledger.begin(&ask);
                (ask, known)
            });
            let (method, path, body) = ask.request();
            let start = Instant::now();
            let (status, body) = client.send(method, &path, body).await?;
            let spans = if ask.is_change() {
                &mut tally.changes
            } else {
                &mut tally.reads
            };
            spans.push(start.elapsed());
            if let Some(answer) = Answer::read(&ask, status, &body) {
                let current = self.ledger(|ledger| ledger.is_current(&ask, known, &answer));
                tally.stale += u32::from(!current);
            } else {
                tally.wrong += 1;
                eprintln!(
                    "{method} {path}: {status} {}",
                    String::from_utf8_lossy(&body)
                );
            }
        }
        Ok(tally)
    }

    fn ledger<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        act(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Bounds {
    fn again(&self) -> bool {
        let take = |left: u32| left.checked_sub(1);
        Instant::now() < self.end
            && self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.changes.extend(other.changes);
        self.stale += other.stale;
        self.wrong += other.wrong;
    }

    fn measured(mut self, elapsed: Duration, queries: u32) -> Measured {
        self.reads.sort_unstable();
        self.changes.sort_unstable();
        let count = |spans: &[Duration]| u32::try_from(spans.len()).unwrap_or(u32::MAX);
        Measured {
            requests: count(&self.reads) + count(&self.changes),
            elapsed,
            p50: quantile(&self.reads, 50),
            p99: quantile(&self.reads, 99),
            change: quantile(&self.changes, 50),
            reached: queries + count(&self.changes),
            stale: self.stale,
            wrong: self.wrong,
        }
    }
}

/// What `percent` of the sorted `spans` do not exceed; zero if there are none.
fn quantile(spans: &[Duration], percent: usize) -> Duration {
    let rank = (spans.len() * percent).div_ceil(100).saturating_sub(1);
    spans.get(rank).copied().unwrap_or_default()
}
