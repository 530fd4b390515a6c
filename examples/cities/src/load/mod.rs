//! Measures the service with and without the cache, and looks for stale answers.

mod answer;
mod ask;
mod client;
mod driver;
mod ledger;
mod naive;

use std::{error::Error, fmt, process, sync::Arc, time::Duration};

use driver::Driver;
use larder::Redis;
pub use naive::Naive;

use crate::{Cached, Catalogue, Db, cache};

/// A failure of the load itself, not of an answer.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The longest search, in letters.
const LETTERS: usize = 5;

/// Clients that drive one service, each with one connection and one request at a time.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many clients.
    pub clients: u32,
    /// After this time no request is begun.
    pub time: Duration,
    /// Nor after so many requests.
    pub requests: u32,
}

/// What a load found. Its `Display` is a row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Requests that were answered.
    pub requests: u32,
    /// In which time.
    pub elapsed: Duration,
    /// Half of them were answered within this.
    pub p50: Duration,
    /// 99 % of them were answered within this.
    pub p99: Duration,
    /// How many went to the database: every change, and every read that the cache could not answer.
    pub reached: u32,
    /// Answers that did not show a change that had been reported as done before they were asked.
    pub stale: u32,
    /// Errors, and answers to something else.
    pub wrong: u32,
}

impl Load {
    /// Starts the service on a free port of this machine, drives it over HTTP, and stops it.
    ///
    /// # Errors
    ///
    /// If a connection fails or a request is not answered at all.
    pub async fn drive(&self, catalogue: impl Catalogue) -> Result<Measured, Failure> {
        Arc::new(Driver::new()).drive(catalogue, self).await
    }

    /// Measures the service without a cache, with the near tier, and with `redis` behind it;
    /// prints a table. The database takes `latency` for each query.
    ///
    /// # Errors
    ///
    /// If a service cannot be started, or as [`drive`](Self::drive).
    pub async fn table(&self, latency: Duration, redis: Option<Redis>) -> Result<(), Failure> {
        println!("{HEAD}");
        let database = || Db::temporary().map(|db| db.slowed(latency));
        let namespace = format!("cities-load-{}", process::id());

        row("no cache", self.drive(database()?).await?);
        row(
            "cache-aside by hand",
            self.drive(Naive::new(database()?)).await?,
        );
        let near = Cached::new(database()?, cache(&namespace, None)?);
        row("near tier", self.drive(near).await?);
        let Some(redis) = redis else {
            println!("\nSet `REDIS_URL` to measure with Redis as well.");
            return Ok(());
        };
        let db = database()?;
        let driver = Arc::new(Driver::new());
        for state in ["near tier and Redis", "the same, started anew"] {
            let both = Cached::new(db.clone(), cache(&namespace, Some(redis.clone()))?);
            row(state, driver.drive(both, self).await?);
        }
        Ok(())
    }
}

fn row(service: &str, measured: Measured) {
    println!("| {service} | {measured} |");
}

/// A column per fact, as in the README.
const HEAD: &str = "\
| service | requests/s | p50 | p99 | reached the database | stale answers | wrong answers |
|---|---:|---:|---:|---:|---:|---:|";

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = f64::from(self.requests) / self.elapsed.as_secs_f64();
        let share = 100.0 * f64::from(self.reached) / f64::from(self.requests);
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        write!(
            f,
            "{rate:.0} | {:.2} ms | {:.2} ms | {share:.1} % | {} of {} | {}",
            millis(self.p50),
            millis(self.p99),
            self.stale,
            self.requests,
            self.wrong,
        )
    }
}
