//! The far tier on Redis: where the servers are, and which of them does what [`Backend`] asks for.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use cache_core::{
    Backend, Error, ErrorKind, Invalidate, Listener, Prepare, Prepared, Result, Write,
};

use self::{feed::Feeds, node::Node, target::Target};
use crate::link::Fault;

mod combine;
mod commands;
mod fault;
mod feed;
mod line;
mod node;
mod target;

/// One Redis server, 7.0 or later, or one that speaks like it.
///
/// A handle: clones share their connections, of which there are two, and one more for each
/// [`watch`](Backend::watch). They are made when they are first needed, on the tokio runtime
/// of that moment, and again for ever when they are lost: a server that is away at the start, or
/// later, costs the calls of that time and nothing else. While it is known to be away, calls
/// fail within a millisecond; once it is back they succeed within a second or so.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cache_backends::Redis;
///
/// let redis = Redis::connect("redis://:secret@cache.internal:6379/2")?;
/// # Ok(())
/// # }
/// ```
///
/// A user of its own needs `+hello +auth +ping +mget +get +set +unlink +getrange +pexpire +eval
/// +evalsha +publish +subscribe +client|tracking`, and `+select` for a database other than 0.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    node: Node,
    feeds: Arc<Feeds>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.feeds.close();
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("node", &self.0.node)
            .finish_non_exhaustive()
    }
}

/// What is as good as for ever, and still makes a moment that a clock can show.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// Settings of a [`Redis`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RedisBuilder {
    url: String,
    deadline: Duration,
    root: Option<Vec<u8>>,
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The url may hold a password.
        f.debug_struct("RedisBuilder")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl RedisBuilder {
    /// How long a call may take before it fails, 250 ms by default. What is slower than this
    /// three times in a row is taken for dead and connected anew.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The certificate, in PEM, of the authority that vouches for a `rediss://` server, instead
    /// of the well-known authorities.
    #[cfg(feature = "redis-rustls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Checks the settings. Nothing is sent, so a server that is away is no error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the url cannot be understood, or the deadline is zero.
    pub fn build(self) -> Result<Redis> {
        if self.deadline.is_zero() {
            return Err(Error::new(
                ErrorKind::Config,
                "a deadline of zero fails every call: give redis some time, 250 ms for example",
            ));
        }
        let target = Arc::new(Target::new(&self.url, self.root)?);
        let feeds = Feeds::new(Arc::clone(&target));
        let deadline = self.deadline.min(LONGEST_DEADLINE);
        let node = Node::new(&target, &feeds, deadline);
        Ok(Redis(Arc::new(Inner { node, feeds })))
    }
}

impl Redis {
    /// How long a call may take, unless [`RedisBuilder::deadline`] says otherwise.
    pub const DEADLINE: Duration = Duration::from_millis(250);

    /// The server of this url: `redis://[[user]:password@]host[:port][/database]`, `rediss://…`
    /// for tls (feature `redis-rustls`), or `unix:///path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the url cannot be understood; the text says why, and never
    /// repeats the password. A server that is away is no error.
    pub fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).build()
    }

    /// The same, with settings.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder {
            url: url.into(),
            deadline: Self::DEADLINE,
            root: None,
        }
    }

    /// The server that the environment variable `REDIS_URL` names; `None` if it is not set, or
    /// empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it cannot be understood.
    pub fn from_env() -> Result<Option<Self>> {
        match std::env::var("REDIS_URL") {
            Ok(url) if !url.is_empty() => Self::connect(url).map(Some),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::new(
                ErrorKind::Config,
                "`REDIS_URL` is not text: write `redis://host:port`",
            )),
        }
    }

    fn error(&self, doing: &str, fault: &Fault) -> Error {
        let address = self.0.node.address();
        Error::new(fault.kind(), format!("{doing} redis at {address}: {fault}"))
    }
}

impl Backend for Redis {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let values = self.0.node.read(names).await;
        values.map_err(|fault| self.error("reading from", &fault))
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let prepared = self.0.node.prepare(prepare).await;
        prepared.map_err(|fault| self.error("preparing a load in", &fault))
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let stored = self.0.node.store(write).await;
        stored.map_err(|fault| self.error("storing in", &fault))
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let done = self.0.node.invalidate(change).await;
        done.map_err(|fault| self.error("invalidating in", &fault))
    }

    async fn sweep(&self, prefix: &str, matches: &(dyn Fn(&str) -> bool + Sync)) -> Result<u64> {
        let swept = self.0.node.sweep(prefix, matches).await;
        swept.map_err(|fault| self.error("sweeping", &fault))
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        self.0.feeds.add(channel, listener);
        true
    }
}
