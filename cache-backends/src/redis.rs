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

use self::{access::Access, topology::Topology};
use crate::link::Fault;

#[cfg(feature = "testkit")]
pub use self::cluster::redirects;

mod access;
mod cluster;
mod combine;
mod commands;
mod course;
mod fault;
mod feed;
mod fence;
mod follower;
mod lag;
mod line;
mod node;
mod replica;
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
/// let redis = Redis::connect("rediss://:secret@cache.internal:6379/2")?;
/// # Ok(())
/// # }
/// ```
///
/// # Names
///
/// All that a cache keeps in the server, and the channel of its feed, begins with the cache's
/// namespace and a colon. So several caches share a server, or a database of one, by namespaces,
/// and a user of its own can be held to one of them: `~app:* &app:*`. Channels, and notices of a
/// flush, know no databases.
///
/// # Rights
///
/// A user of its own needs `-@all +hello +auth +ping +role +info +mget +get +set +unlink +getrange
/// +pexpire +eval +evalsha +wait +publish +subscribe +scan +client|setname +client|tracking`, and
/// `+select` for a database other than 0; in a cluster also `+asking +cluster|slots +cluster|info
/// +spublish +ssubscribe`. Whatever needs a right that is missing fails with
/// [`ErrorKind::Rejected`] and says which. So without
///
/// | right | a cache |
/// | --- | --- |
/// | `get`, `mget` | reads nothing here, and loads |
/// | `set`, `eval`, `evalsha`, `getrange` | stores nothing here; `set` is needed to invalidate groups |
/// | `pexpire` | stores, and counts each store as an error |
/// | `unlink` | cannot confirm the invalidation of a key or a prefix: it is an error, and repeated in the background |
/// | `publish` | cannot confirm any invalidation |
/// | `subscribe` | keeps near entries for some seconds only |
/// | `client\|tracking` | does not hear of `FLUSHALL`, so near entries outlive it; foreign users cannot be kept from *seeing* names by tracking, so do without it where tenants share a server |
/// | `info` | does not notice a restart from a snapshot, nor a failover |
/// | `role`, `wait` | does not wait for a replica when it invalidates; with sentinels it needs `role` |
/// | `scan` | cannot sweep, which nothing but maintenance asks for |
/// | `client\|setname` | has connections without a name |
///
/// # A cluster
///
/// What lies on a node that is away is absent, and cannot be written, until a replica has taken
/// its place; all else goes on as before, if the servers are told so
/// (`cluster-require-full-coverage no`): by default they all refuse everything until then. Slots may
/// move between nodes at any time. A flush is heard of if it reaches the node that carries the feed.
///
/// # A failover
///
/// After it nothing is believed that was in the server before, and an invalidation that no replica
/// has confirmed was reported as an error and is repeated. What cannot be closed from here: while
/// an old master *lives on* that nobody has told, because of a failover by hand or of a partition,
/// processes that still speak to it and those that speak to its successor do not hear of each
/// other's invalidations, until the next heartbeat that reaches the sentinels: about half a second,
/// 2 s at most while they can be reached. `min-replicas-to-write 1` on the servers keeps an old master
/// from confirming anything meanwhile.
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
    access: Access,
    replica_patience: Duration,
    replica_reads: Option<Duration>,
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The url may hold a password.
        f.debug_struct("RedisBuilder")
            .field("deadline", &self.deadline)
            .field("access", &self.access)
            .field("replica_patience", &self.replica_patience)
            .field("replica_reads", &self.replica_reads)
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

    /// Reads a replica of the server while it is less than `bound` behind, which takes reads off
    /// the master and, where the replica is nearer, time off the reads.
    ///
    /// This gives something up: after an invalidation by **another process**, a read may return
    /// the old value for up to `bound`. What this process has invalidated itself, or was told of by
    /// the feed, it never reads again, so near tiers are as exact as without a replica.
    ///
    /// That a replica is close is not assumed: every read asks for the last of the moments that
    /// this process writes to the master all the while, four within each `bound`, 20 to 500 ms
    /// apart. If it was written longer ago than `bound`, or before this process heard of an
    /// invalidation, the master is asked instead; likewise for what the replica does not have. A
    /// replica that does not answer within a tenth of the deadline costs its calls that time. The
    /// replicas are those that the master names (`ROLE`), at the addresses that it names; one of
    /// them is chosen at random. Some times the usual lag is a good bound: `1s` for a replica in
    /// the same building.
    ///
    /// Without a replica, or while none is close, all reads go to the master, as they do by
    /// default.
    pub fn replica_reads(mut self, bound: Duration) -> Self {
        self.replica_reads = Some(bound);
        self
    }

    /// The user, empty for the default one, and the password that the sentinels want. Those in
    /// the url are for the servers that they watch.
    pub fn sentinel_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.access.sentinel = Some((user.into(), password.into()));
        self
    }

    /// The certificate, in PEM, of the authority that vouches for a `rediss://` server, instead
    /// of the well-known authorities.
    #[cfg(feature = "redis-rustls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.access.root = Some(pem.into());
        self
    }

    /// The certificate, in PEM, by which a `rediss://` server knows its client, and its private
    /// key, for servers that ask for one (`tls-auth-clients yes`). The certificate may be followed
    /// by those between it and its authority.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use cache_backends::Redis;
    ///
    /// let redis = Redis::builder("rediss://cache.internal")
    ///     .root_certificate(std::fs::read("authority.pem")?)
    ///     .client_certificate(std::fs::read("client.pem")?, std::fs::read("client.key")?)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "redis-rustls")]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.access.identity = Some((certificate.into(), key.into()));
        self
    }

    /// What the server lists the connections as (`CLIENT LIST`): printable ASCII without spaces,
    /// `larder` by default. An empty name leaves them without.
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.access.name = name.into();
        self
    }

    /// Allows a plain line (`redis://`) to another machine. Whoever is on the way can read and
    /// change all that is sent, the password included, so this is for networks that encrypt by
    /// themselves. Lines to this machine (`localhost`, loopback addresses, Unix sockets) need no
    /// such word.
    pub fn insecure(mut self) -> Self {
        self.access.insecure = true;
        self
    }

    /// Checks the settings. Nothing is sent, so a server that is away is no error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the url cannot be understood or leads to another machine in plain
    /// text ([`insecure`](Self::insecure) allows it), if a certificate or the client name is not
    /// one, or if the deadline or the bound of replica reads is zero.
    pub fn build(self) -> Result<Redis> {
        if self.deadline.is_zero() {
            return Err(Error::new(
                ErrorKind::Config,
                "a deadline of zero fails every call: give redis some time, 250 ms for example",
            ));
        }
        if self.replica_reads.is_some_and(|bound| bound.is_zero()) {
            return Err(Error::new(
                ErrorKind::Config,
                "no replica is less than nothing behind: allow some time, 1 s for example, or \
                 leave `replica_reads` out",
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
    /// for tls (feature `redis-rustls`), or `unix:///path[?db=database&user=user&pass=password]`;
    /// or the master that sentinels name:
    /// `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database]`, with
    /// the sentinels' hosts, the master's user and password, and `rediss+sentinel://…` for tls to
    /// all of them; or the cluster of `redis+cluster://[[user]:password@]host:port[,host:port…]`,
    /// or `rediss+cluster://…`. A plain line is for this machine only, unless
    /// [`RedisBuilder::insecure`] allows more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the url cannot be understood, or is plain and leads elsewhere; the
    /// text says why, and never repeats the password. A server that is away is no error.
    pub fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).build()
    }

    /// The same, with settings.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder {
            url: url.into(),
            deadline: Self::DEADLINE,
            access: Access::default(),
            replica_patience: Self::REPLICA_PATIENCE,
            replica_reads: None,
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
    ///     .insecure()
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
    /// let redis = Redis::cluster(["10.0.0.1:7000", "10.0.0.2:7000"]).insecure().build()?;
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
