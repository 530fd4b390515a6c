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

use self::topology::Topology;
use crate::link::Fault;

mod cluster;
mod combine;
mod commands;
mod course;
mod fault;
mod feed;
mod fence;
mod line;
mod node;
mod role;
mod sentinel;
mod stage;
mod target;
mod topology;
mod wait;

/// A Redis server or a Redis Cluster, 7.0 or later, or one that speaks like it.
///
/// A handle: clones share their connections, of which there are two to each server (a cluster has
/// one for each master), one more where the server has replicas, and one for each
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
/// A user of its own needs `+hello +auth +role +info +mget +get +set +unlink +getrange +pexpire
/// +eval +evalsha +wait +publish +subscribe +client|tracking`, and `+select` for a database other
/// than 0; in a cluster also `+asking +cluster|slots +cluster|info +spublish +ssubscribe`. Without
/// `+info` a restart from a snapshot is not noticed, nor a failover; without `+role` or `+wait` an
/// invalidation does not wait for a replica.
///
/// # A cluster
///
/// What lies on a node that is away is absent, and cannot be written, until a replica has taken
/// its place; all else goes on as before. Slots may move between nodes at any time. A flush is
/// heard of if it reaches the node that carries the feed.
#[derive(Clone)]
pub struct Redis(Arc<Topology>);

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0).finish()
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
    replica_patience: Duration,
    root: Option<Vec<u8>>,
    sentinel: Option<(String, String)>,
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The url may hold a password.
        f.debug_struct("RedisBuilder")
            .field("deadline", &self.deadline)
            .field("replica_patience", &self.replica_patience)
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

    /// How long an invalidation waits, where the server has replicas, until one of them has it:
    /// in whole milliseconds, 50 ms by default, and less where the deadline is shorter than
    /// 150 ms. After that it has failed, with [`ErrorKind::Unavailable`], because a failover
    /// would undo it; a cache repeats it in the background. Zero does not wait: what a master
    /// does that has been replaced without knowing it then counts as done.
    pub fn replica_patience(mut self, patience: Duration) -> Self {
        self.replica_patience = patience;
        self
    }

    /// The user, empty for the default one, and the password that the sentinels want. Those in
    /// the url are for the servers that they watch.
    pub fn sentinel_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.sentinel = Some((user.into(), password.into()));
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
        let topology = Topology::new(&self)?;
        Ok(Redis(Arc::new(topology)))
    }
}

impl Redis {
    /// How long a call may take, unless [`RedisBuilder::deadline`] says otherwise.
    pub const DEADLINE: Duration = Duration::from_millis(250);

    /// How long an invalidation waits for a replica, unless [`RedisBuilder::replica_patience`]
    /// says otherwise.
    pub const REPLICA_PATIENCE: Duration = Duration::from_millis(50);

    /// The server of this url: `redis://[[user]:password@]host[:port][/database]`, `rediss://…`
    /// for tls (feature `redis-rustls`), or `unix:///path`; or the master that sentinels name:
    /// `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database]`, with
    /// the sentinels' hosts, the master's user and password, and `rediss+sentinel://…` for tls to
    /// all of them; or the cluster of `redis+cluster://[[user]:password@]host:port[,host:port…]`,
    /// or `rediss+cluster://…`.
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
            replica_patience: Self::REPLICA_PATIENCE,
            root: None,
            sentinel: None,
        }
    }

    /// The master that these sentinels, `host:port` each, call `name`. They are asked whenever a
    /// connection is made, so a failover is followed. A password of the servers, a database and
    /// tls are said by the url of [`builder`](Self::builder).
    ///
    /// ```
    /// # fn main() -> cache_core::Result<()> {
    /// use cache_backends::Redis;
    ///
    /// let redis = Redis::sentinel(["10.0.0.1:26379", "10.0.0.2:26379", "10.0.0.3:26379"], "main")
    ///     .sentinel_credentials("", "secret")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sentinel<S: AsRef<str>>(
        sentinels: impl IntoIterator<Item = S>,
        name: impl fmt::Display,
    ) -> RedisBuilder {
        Self::builder(format!("redis+sentinel://{}/{name}", listed(sentinels)))
    }

    /// The cluster to which these servers belong, written `host:port`; any of its nodes will do,
    /// and more than one where one may be away. A user, a password and tls are said by the url of
    /// [`builder`](Self::builder).
    ///
    /// ```
    /// # fn main() -> cache_core::Result<()> {
    /// use cache_backends::Redis;
    ///
    /// let redis = Redis::cluster(["10.0.0.1:7000", "10.0.0.2:7000"]).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cluster<S: AsRef<str>>(servers: impl IntoIterator<Item = S>) -> RedisBuilder {
        Self::builder(format!("redis+cluster://{}", listed(servers)))
    }

    fn error(&self, doing: &str, fault: &Fault) -> Error {
        let address = self.0.address();
        Error::new(fault.kind(), format!("{doing} redis at {address}: {fault}"))
    }
}

/// Servers as a url lists them.
fn listed<S: AsRef<str>>(servers: impl IntoIterator<Item = S>) -> String {
    let mut list = String::new();
    for server in servers {
        list.push_str(if list.is_empty() { "" } else { "," });
        list.push_str(server.as_ref());
    }
    list
}

impl Backend for Redis {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let values = self.0.read(names).await;
        values.map_err(|fault| self.error("reading from", &fault))
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let prepared = self.0.prepare(prepare).await;
        prepared.map_err(|fault| self.error("preparing a load in", &fault))
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let stored = self.0.store(write).await;
        stored.map_err(|fault| self.error("storing in", &fault))
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let done = self.0.invalidate(change).await;
        done.map_err(|fault| self.error("invalidating in", &fault))
    }

    async fn sweep(&self, prefix: &str, matches: &(dyn Fn(&str) -> bool + Sync)) -> Result<u64> {
        let swept = self.0.sweep(prefix, matches).await;
        swept.map_err(|fault| self.error("sweeping", &fault))
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        self.0.feeds().add(channel, listener);
        true
    }

    fn guard(&self, stamp: &str) {
        self.0.guard(stamp);
    }
}
