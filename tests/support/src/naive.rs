//! The protocol that everybody writes first, as a control: it must be found stale.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use crate::{
    mix::{Failure, Subject},
    resp::{AsyncClient, Reply},
};

/// Cache-aside without a fence, on a real server: a read is GET, on a miss the load and SET; a
/// write commits and then deletes. A load that began before the commit stores after the DEL.
#[derive(Debug)]
pub struct Naive {
    addr: SocketAddr,
    keys: usize,
    idle: Mutex<Vec<AsyncClient>>,
}

impl Naive {
    /// The protocol for so many keys on the server at `addr`.
    pub fn new(addr: SocketAddr, keys: usize) -> Self {
        let idle = Mutex::default();
        Self { addr, keys, idle }
    }

    /// Sends a command over an idle connection, or else a new one; a refusal is an error.
    async fn command(&self, args: &[String]) -> io::Result<Reply> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut client = match idle {
            Some(client) => client,
            None => AsyncClient::connect(self.addr).await?,
        };
        let reply = client.command(args).await?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(client);
        match reply {
            Reply::Error(reason) => Err(io::Error::other(reason)),
            reply => Ok(reply),
        }
    }

    async fn delete(&self, keys: impl Iterator<Item = usize>) -> Result<(), Failure> {
        let command: Vec<String> = ["DEL".to_owned()]
            .into_iter()
            .chain(keys.map(name))
            .collect();
        self.command(&command).await?;
        Ok(())
    }
}

impl Subject for Naive {
    async fn read(&self, key: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let cached = self.command(&["GET".to_owned(), name(key)]).await;
        if let Some(version) = cached.ok().and_then(|reply| reply.text()?.parse().ok()) {
            return version;
        }
        let version = load.await;
        // A cache that cannot store has still answered.
        let _ = self
            .command(&["SET".to_owned(), name(key), version.to_string()])
            .await;
        version
    }

    async fn invalidate_key(&self, key: usize) -> Result<(), Failure> {
        self.delete([key].into_iter()).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        self.delete(0..self.keys).await
    }
}

fn name(key: usize) -> String {
    format!("naive:{key}")
}
