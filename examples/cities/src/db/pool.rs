//! A bounded set of connections to one `SQLite` file, used from threads that may block.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::Result;

/// At most so many connections as it has permits. They are opened when first needed.
#[derive(Debug)]
pub(super) struct Pool {
    file: PathBuf,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Pool {
    pub(super) fn new(file: &Path, connections: usize) -> Self {
        Self {
            file: file.to_owned(),
            permits: Arc::new(Semaphore::new(connections)),
            idle: Arc::default(),
        }
    }

    /// Runs `work` with a connection. It runs to its end even if the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permits = Arc::clone(&self.permits);
        let permit = permits
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (file, idle) = (self.file.clone(), Arc::clone(&self.idle));
        spawn_blocking(move || {
            let _permit = permit;
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = free.map_or_else(|| open(&file), Ok)?;
            let result = work(&mut connection);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            result
        })
        .await?
    }
}

/// Opens a connection. Readers and the writer do not wait for each other (`WAL`); a commit is
/// on disk before the next checkpoint, which is enough here.
pub(super) fn open(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
    )?;
    Ok(connection)
}
