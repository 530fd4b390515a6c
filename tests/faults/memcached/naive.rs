//! The protocol that everybody writes first, on memcached: it must be found stale.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use test_support::{Failure, Subject};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// Cache-aside without a fence: get, on a miss the load and set; a write commits and then deletes.
#[derive(Debug)]
pub(crate) struct Naive {
    addr: SocketAddr,
    keys: usize,
    idle: Mutex<Vec<BufStream<TcpStream>>>,
}

impl Naive {
    pub(crate) fn new(addr: SocketAddr, keys: usize) -> Self {
        let idle = Mutex::default();
        Self { addr, keys, idle }
    }

    /// Sends one command over an idle connection, or else a new one, and gives the lines of its
    /// answer: one, or a value between its name and the end.
    async fn ask(&self, command: &str) -> io::Result<Vec<String>> {
        let idle = self.idle().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => BufStream::new(TcpStream::connect(self.addr).await?),
        };
        stream.write_all(command.as_bytes()).await?;
        stream.flush().await?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_owned();
            let goes_on = line.starts_with("VALUE ") || lines.len() == 1;
            lines.push(line);
            if !goes_on {
                self.idle().push(stream);
                return Ok(lines);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<BufStream<TcpStream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subject for Naive {
    async fn read(&self, key: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let cached = self.ask(&format!("get naive:{key}\r\n")).await;
        let cached = cached.ok().and_then(|lines| lines.get(1)?.parse().ok());
        if let Some(version) = cached {
            return version;
        }
        let version = load.await;
        let value = version.to_string();
        let set = format!("set naive:{key} 0 60 {}\r\n{value}\r\n", value.len());
        // A cache that cannot store has still answered.
        let _ = self.ask(&set).await;
        version
    }

    async fn invalidate_key(&self, key: usize) -> Result<(), Failure> {
        self.ask(&format!("delete naive:{key}\r\n")).await?;
        Ok(())
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        for key in 0..self.keys {
            self.invalidate_key(key).await?;
        }
        Ok(())
    }
}
