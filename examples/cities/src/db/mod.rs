//! The database: what each question costs, and that a write never loses against another one.

mod answers;
mod pool;
mod read;
mod row;
mod seed;
mod write;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::sleep;

use self::pool::Pool;
pub(crate) use self::seed::cities;
use crate::{City, Result};

/// How many reads run at once; `SQLite` itself allows one write at a time.
const READERS: usize = 8;

/// The cities and countries in `SQLite`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    readers: Pool,
    writer: Pool,
    latency: Duration,
    reads: AtomicU64,
    writes: AtomicU64,
    _directory: Option<TempDir>,
}

/// How often the database was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Trips {
    /// To answer a reader.
    pub reads: u64,
    /// For a writer, what it had to read first included.
    pub writes: u64,
}

impl Db {
    /// Opens the database in `file`, and fills it with the data of this package if it is new.
    ///
    /// # Errors
    ///
    /// If `SQLite` cannot open, create or read it.
    pub fn open(file: &Path) -> Result<Self> {
        Self::new(file, None)
    }

    /// A database of its own in a temporary directory, which goes with the last clone.
    ///
    /// # Errors
    ///
    /// If `SQLite` cannot create it.
    ///
    /// # Panics
    ///
    /// If the system has no room for a temporary directory.
    pub fn temporary() -> Result<Self> {
        let directory = tempfile::tempdir().expect("there is a directory for temporary files");
        let file = directory.path().join("cities.db");
        Self::new(&file, Some(directory))
    }

    fn new(file: &Path, directory: Option<TempDir>) -> Result<Self> {
        seed::seed(&mut pool::open(file)?)?;
        Ok(Self(Arc::new(Inner {
            readers: Pool::new(file, READERS),
            writer: Pool::new(file, 1),
            latency: Duration::ZERO,
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            _directory: directory,
        })))
    }

    /// Adds `latency` to every trip, half of it before and half after the query, each up to 50 %
    /// more or less: the network to a database on another machine. Nobody waits in line for it.
    ///
    /// # Panics
    ///
    /// If the database has been cloned already.
    #[must_use]
    pub fn slowed(mut self, latency: Duration) -> Self {
        Arc::get_mut(&mut self.0)
            .expect("the database is not in use yet")
            .latency = latency;
        self
    }

    /// How often it was asked until now.
    pub fn trips(&self) -> Trips {
        Trips {
            reads: self.0.reads.load(Ordering::Relaxed),
            writes: self.0.writes.load(Ordering::Relaxed),
        }
    }

    /// A city as the writer's own connection sees it: what a change starts from.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn latest(&self, id: u32) -> Result<Option<City>> {
        self.write(move |connection| read::city(connection, id))
            .await
    }

    /// The id of a city that is about to be created; no other gets it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn next_id(&self) -> Result<u32> {
        self.write(write::next_id).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        self.trip(&self.0.readers, query).await
    }

    async fn write<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        self.trip(&self.0.writer, query).await
    }

    async fn trip<T: Send + 'static>(
        &self,
        pool: &Pool,
        query: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.wire().await;
        let answer = pool.run(query).await;
        self.wire().await;
        answer
    }

    async fn wire(&self) {
        if !self.0.latency.is_zero() {
            sleep(self.0.latency.mul_f64(0.25 + 0.5 * fastrand::f64())).await;
        }
    }
}
