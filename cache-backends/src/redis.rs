//! The far tier on one Redis server: which commands do what [`Backend`] asks for.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use cache_core::{
    Backend, Error, ErrorKind, Invalidate, Lease, Listener, Prepare, Prepared, Result, Write,
};
use redis::Value;

use self::{combine::Combine, commands::By, feed::Feeds, line::Server, target::Target};
use crate::link::{Fault, Link};

mod combine;
mod commands;
mod fault;
mod feed;
mod line;
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
    target: Arc<Target>,
    /// Carries what waits for an answer most: reads, and nothing that could hold them up.
    reads: Arc<Combine>,
    writes: Arc<Link<Server>>,
    feeds: Arc<Feeds>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.reads.link().close();
        self.writes.close();
        self.feeds.close();
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.0.target.address())
            .field("reads", self.0.reads.link())
            .field("writes", &self.0.writes)
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
        let link = |name| {
            let (target, feeds) = (Arc::clone(&target), Arc::clone(&feeds));
            let server = Server { target, feeds };
            Link::new(name, server, self.deadline.min(LONGEST_DEADLINE))
        };
        let (reads, writes) = (Combine::new(link("reads")), link("writes"));
        Ok(Redis(Arc::new(Inner {
            target,
            reads,
            writes,
            feeds,
        })))
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

    /// What `REDIS_URL`, or else `REDIS_HOST`, `REDIS_PORT` and so on describe, as for
    /// [`Cache::from_env`](cache_core::Cache::from_env); `None` if neither is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if one of the variables cannot be understood.
    pub fn from_env() -> Result<Option<Self>> {
        crate::settings::redis::if_any(&cache_core::Settings::from_env())
    }

    fn error(&self, doing: &str, fault: &Fault) -> Error {
        let address = self.0.target.address();
        Error::new(fault.kind(), format!("{doing} redis at {address}: {fault}"))
    }

    async fn try_prepare(&self, prepare: Prepare<'_>) -> Result<Prepared, Fault> {
        let pipeline = commands::prepare(&prepare);
        if pipeline.is_empty() {
            return Ok(Prepared {
                stamps: Vec::new(),
                leased: false,
            });
        }
        let answers = self.0.writes.all(&pipeline).await?;
        let (made, leased) = answers.split_at(prepare.stamps.len());
        commands::refused(made)?;
        let stamps = made
            .iter()
            .zip(prepare.stamps)
            .map(|(answer, (_, nonce))| commands::stamp(answer, *nonce))
            .collect::<Option<Vec<_>>>()
            .ok_or(Fault::Foreign)?;
        let leased = match (leased.first(), prepare.lease) {
            (Some(answer), Some(lease)) => self.leased(answer, lease).await?,
            _ => false,
        };
        Ok(Prepared { stamps, leased })
    }

    async fn leased(&self, answer: &Value, lease: Lease<'_>) -> Result<bool, Fault> {
        let again = || commands::acquire(&lease, By::Text);
        self.scripted(answer, again).await
    }

    /// What a script has done; one that the server does not know is sent again as text.
    async fn scripted(
        &self,
        answer: &Value,
        again: impl FnOnce() -> redis::Cmd,
    ) -> Result<bool, Fault> {
        let written = if commands::is_refusal(answer, "NOSCRIPT") {
            commands::written(&self.0.writes.one(&again()).await?)
        } else {
            commands::refused([answer])?;
            commands::written(answer)
        };
        written.ok_or_else(|| self.0.writes.garbled())
    }

    async fn try_store(&self, write: Write<'_>) -> Result<bool, Fault> {
        let answers = self.0.writes.all(&commands::store(&write)).await?;
        let again = || commands::commit(&write, By::Text);
        let stored = self.scripted(&answers[0], again).await?;
        commands::refused(&answers[1..])?;
        Ok(stored)
    }

    async fn try_invalidate(&self, change: Invalidate<'_>) -> Result<(), Fault> {
        let pipeline = commands::invalidate(&change);
        if pipeline.is_empty() {
            return Ok(());
        }
        let answers = self.0.writes.all(&pipeline).await?;
        let full = |answer: &Value| commands::is_refusal(answer, "OOM");
        commands::refused(answers.iter().filter(|answer| !full(answer)))?;
        if answers.iter().any(full) {
            let pipeline = commands::invalidate_full(&change);
            commands::refused(&self.0.writes.all(&pipeline).await?)?;
        }
        Ok(())
    }

    async fn try_sweep(
        &self,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<u64, Fault> {
        let writes = &self.0.writes;
        let (mut cursor, mut removed) = (b"0".to_vec(), 0);
        loop {
            let answer = writes.one(&commands::scan(&cursor, prefix)).await?;
            let (next, names) = commands::page(answer).ok_or_else(|| writes.garbled())?;
            let doomed = |name: &&str| name.starts_with(prefix) && matches(name);
            let names: Vec<&str> = names.iter().map(String::as_str).filter(doomed).collect();
            if !names.is_empty() {
                match writes.one(&commands::unlink(&names)).await? {
                    Value::Int(count) => removed += u64::try_from(count).unwrap_or(0),
                    _ => return Err(writes.garbled()),
                }
            }
            if next == b"0" {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}

impl Backend for Redis {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let values = self.0.reads.read(names).await;
        values.map_err(|fault| self.error("reading from", &fault))
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let prepared = self.try_prepare(prepare).await;
        prepared.map_err(|fault| self.error("preparing a load in", &fault))
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let stored = self.try_store(write).await;
        stored.map_err(|fault| self.error("storing in", &fault))
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let done = self.try_invalidate(change).await;
        done.map_err(|fault| self.error("invalidating in", &fault))
    }

    async fn sweep(&self, prefix: &str, matches: &(dyn Fn(&str) -> bool + Sync)) -> Result<u64> {
        let swept = self.try_sweep(prefix, matches).await;
        swept.map_err(|fault| self.error("sweeping", &fault))
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        self.0.feeds.add(channel, listener);
        true
    }
}
