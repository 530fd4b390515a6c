//! The far tier on memcached servers: which of them is asked for what [`Backend`] asks for.
//!
//! **Why headers and CAS, and not the server's own leases.** `mg` with `N` gives a lease with a
//! miss, and `md` with `I` marks what is stale instead of removing it. Neither is used: a lease of
//! the server is an empty item and a CAS value, which counts from one after a restart, so it says
//! nothing about who holds it nor on which life of the server; a lease of ours is a random header
//! that any process can see and compare. A read would have to make a stub for everybody who only
//! looks, and would have to be told how long it lives. What `N` would save is the lease's share of
//! the second round trip of a miss, in which missing stamps are made anyway; what `I`, `W` and `R`
//! would give, one loader for several processes and stale values meanwhile, is decided in front of
//! all stores alike. The CAS value of a lease is remembered, on the connection on which it was
//! given, only to spare its store a question.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use cache_core::{Backend, Error, ErrorKind, Invalidate, Prepare, Prepared, Result, Stamp, Write};
use tokio::time::Instant;

#[cfg(feature = "testkit")]
pub use self::codec::replies;
pub use self::{builder::MemcachedBuilder, ring::Distribution};
use self::{
    codec::{Life, Name},
    line::Line,
    ring::Ring,
    server::Server,
};
use crate::{
    link::{Fault, Link},
    together::together,
};

mod address;
mod builder;
mod calls;
mod codec;
mod leases;
mod line;
mod ring;
mod server;
mod tls;

/// One or more memcached servers, 1.6 or later.
///
/// A handle: clones share their connections, of which there is one to each server. They are made
/// when they are first needed, on the tokio runtime of that moment, and again for ever when they
/// are lost: a server that is away at the start, or later, costs the calls of that time and
/// nothing else. While it is known to be away, calls fail within a millisecond; once it is back
/// they succeed within a second or so.
///
/// Names are spread over the servers and stay where they are: what lies on a server that is away
/// is a miss and cannot be stored, while the rest works on. That goes for the stamp of a prefix or
/// tag, and for that of the whole namespace, too: while the one server on which that lies is away,
/// all of the namespace is a miss. There is no feed, so near tiers of other processes hear nothing
/// of an invalidation and keep what they have for 5 seconds.
///
/// memcached counts in whole seconds, and up to 30 days: what is stored lives up to two seconds
/// longer than was asked for, and no longer than 30 days. Values of 1 MiB need `memcached -I 2m`;
/// what is too large for the server is refused, and what stood there is gone.
///
/// Whoever shares the servers can read, change and remove everything. Connections must end at the
/// server itself: a proxy that spreads one connection over several servers breaks the fence, and
/// so does a host name with the addresses of several servers, such as that of a headless service
/// in Kubernetes. Each server needs a name of its own.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cache_backends::Memcached;
///
/// let memcached = Memcached::connect("127.0.0.1:11211,127.0.0.1:11212")?;
/// let elsewhere = Memcached::builder(["cache1.internal:11211", "cache2.internal:11211"])
///     .credentials("app", "secret")
///     .insecure()
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Memcached(Arc<Inner>);

struct Inner {
    nodes: Box<[Node]>,
    ring: Ring,
}

/// One server, and the connection to it.
struct Node {
    address: String,
    link: Arc<Link<Server>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for node in &self.nodes {
            node.link.close();
        }
    }
}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.0.nodes.iter().map(|node| (&node.address, &node.link));
        f.debug_map().entries(nodes).finish()
    }
}

type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl Memcached {
    /// How long a call may take, unless [`MemcachedBuilder::deadline`] says otherwise.
    pub const DEADLINE: Duration = Duration::from_millis(250);

    /// The servers of this list: `host:port,host:port`, where `:port` may be left out if it is
    /// 11211. All processes that share them have to spell them alike.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the list cannot be understood, or names a server on another
    /// machine: that needs tls, or the word [`insecure`](MemcachedBuilder::insecure). A server that
    /// is away is no error.
    pub fn connect(servers: impl AsRef<str>) -> Result<Self> {
        Self::builder([servers]).build()
    }

    /// The same, with settings.
    pub fn builder<S: AsRef<str>>(servers: impl IntoIterator<Item = S>) -> MemcachedBuilder {
        let mut list = String::new();
        for server in servers {
            list.push_str(server.as_ref());
            list.push(',');
        }
        MemcachedBuilder::new(list)
    }

    /// Makes a call to the server at `place`.
    async fn on<T, F>(
        &self,
        place: usize,
        doing: &str,
        call: impl FnOnce(Line) -> F,
    ) -> Result<T, Away>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let Node { address, link } = &self.0.nodes[place];
        let until = Instant::now() + link.deadline();
        let send = |line| {
            let call = call(line);
            async {
                match call.await {
                    Err(Fault::Broken(why)) => Err(why.to_string()),
                    answered => Ok(answered),
                }
            }
        };
        let dead = |answer: &Result<T, Fault>| {
            matches!(answer, Err(Fault::Garbled)).then(|| "an answer made no sense".to_owned())
        };
        let fault = match link.ask(until, send, dead).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(fault)) | Err(fault) => fault,
        };
        let others = fault.kind() == ErrorKind::Unavailable && self.others_live(place);
        let kind = if others {
            ErrorKind::Rejected
        } else {
            fault.kind()
        };
        let error = Error::new(kind, format!("{doing} memcached at {address}: {fault}"));
        Err(Away { error, others })
    }

    /// The same for what changes something: while others live, the server at `place` is no reason
    /// to leave the whole tier alone.
    fn change<'a, T, F>(
        &'a self,
        place: usize,
        doing: &'static str,
        call: impl FnOnce(Line) -> F + Send + 'a,
    ) -> Call<'a, T>
    where
        T: Send + 'a,
        F: Future<Output = Result<T, Fault>> + Send + 'a,
    {
        Box::pin(async move { self.on(place, doing, call).await.map_err(|away| away.error) })
    }

    /// Whether another server than the one at `place` is there. Those that nobody has asked yet
    /// are tried for, so that the next time there is an answer.
    fn others_live(&self, place: usize) -> bool {
        let mut live = false;
        for (at, Node { link, .. }) in self.0.nodes.iter().enumerate() {
            if at != place {
                live |= link.is_up();
                link.open();
            }
        }
        live
    }

    fn place(&self, name: Name<'_>) -> usize {
        self.0.ring.place(name.as_str())
    }

    /// The names of each server, and where they stand among `names`.
    fn spread(&self, names: &[Name<'_>]) -> Vec<(usize, Vec<usize>)> {
        let mut spread: Vec<(usize, Vec<usize>)> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let place = self.place(*name);
            match spread.iter_mut().find(|(there, _)| *there == place) {
                Some((_, members)) => members.push(at),
                None => spread.push((place, vec![at])),
            }
        }
        spread
    }
}

/// A call to one server that has failed.
struct Away {
    error: Error,
    /// Whether other servers live, and only this one does not.
    others: bool,
}

/// A name, checked: nothing else is ever written.
fn checked(name: &str) -> Result<Name<'_>> {
    Name::new(name).ok_or_else(|| {
        Error::new(
            ErrorKind::Rejected,
            "a name for memcached has 1 to 250 bytes, without white space or control characters",
        )
    })
}

impl Memcached {
    /// Reads names that lie on one server, all of them missing if it alone is away.
    async fn read_at(&self, place: usize, names: &[Name<'_>]) -> Result<Vec<Option<Bytes>>> {
        let read = self.on(place, "reading from", |line| calls::read(line, names));
        match read.await {
            Err(Away { others: true, .. }) => Ok(vec![None; names.len()]),
            read => read.map_err(|away| away.error),
        }
    }

    /// Reads names that lie on several servers, at the same time.
    async fn read_all(
        &self,
        names: &[Name<'_>],
        spread: &[(usize, Vec<usize>)],
    ) -> Result<Vec<Option<Bytes>>> {
        let reads = spread.iter().map(|(place, members)| {
            let names: Vec<_> = members.iter().map(|at| names[*at]).collect();
            let read = async move { self.read_at(*place, &names).await };
            Box::pin(read) as Call<'_, Vec<Option<Bytes>>>
        });
        let mut values = vec![None; names.len()];
        for ((_, members), read) in spread.iter().zip(together(reads.collect()).await) {
            for (at, value) in members.iter().zip(read?) {
                values[*at] = value;
            }
        }
        Ok(values)
    }
}

impl Backend for Memcached {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        let names = names.iter().map(|name| checked(name));
        let names = names.collect::<Result<Vec<_>>>()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        if self.0.nodes.len() == 1 {
            return self.read_at(0, &names).await;
        }
        let spread = self.spread(&names);
        // Boxed, because it is the rarer case and would make every read larger.
        Box::pin(self.read_all(&names, &spread)).await
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        const DOING: &str = "preparing a load in";
        let life = Life::at_least(prepare.stamp_ttl);
        let mut calls: Vec<Call<'_, Made>> = Vec::with_capacity(prepare.stamps.len() + 1);
        for (name, nonce) in prepare.stamps {
            let name = checked(name)?;
            let make =
                async move |line| calls::make(line, name, *nonce, life).await.map(Made::Stamp);
            calls.push(self.change(self.place(name), DOING, make));
        }
        if let Some(lease) = &prepare.lease {
            let slot = checked(lease.slot)?;
            let take = async move |line| calls::lease(line, slot, lease).await.map(Made::Lease);
            calls.push(self.change(self.place(slot), DOING, take));
        }
        let mut prepared = Prepared {
            stamps: Vec::with_capacity(prepare.stamps.len()),
            leased: false,
        };
        for made in together(calls).await {
            match made? {
                Made::Stamp(stamp) => prepared.stamps.push(stamp),
                Made::Lease(leased) => prepared.leased = leased,
            }
        }
        Ok(prepared)
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        const DOING: &str = "storing in";
        let (slot, write) = (checked(write.slot)?, &write);
        let life = Life::at_least(write.stamp_ttl);
        let mut calls: Vec<Call<'_, bool>> = Vec::with_capacity(write.stamps.len() + 1);
        calls.push(self.change(self.place(slot), DOING, move |line| {
            calls::store(line, slot, write)
        }));
        for name in write.stamps {
            let name = checked(name)?;
            let raise = async move |line| calls::raise(line, name, life).await.map(|()| true);
            calls.push(self.change(self.place(name), DOING, raise));
        }
        let done = together(calls)
            .await
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        Ok(done[0])
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let slots = change.slots.iter().map(|name| checked(name));
        let slots = slots.collect::<Result<Vec<_>>>()?;
        let stamps = change
            .stamps
            .iter()
            .map(|(name, nonce)| Ok((checked(name)?, *nonce)));
        let stamps = stamps.collect::<Result<Vec<(Name<'_>, Stamp)>>>()?;
        let life = Life::at_least(change.stamp_ttl);
        let all: Vec<_> = slots
            .iter()
            .copied()
            .chain(stamps.iter().map(|stamp| stamp.0))
            .collect();
        let calls = self.spread(&all).into_iter().map(|(place, members)| {
            let (before, after) = members.split_at(members.partition_point(|at| *at < slots.len()));
            let mine: Vec<_> = before.iter().map(|at| slots[*at]).collect();
            let moved: Vec<_> = after.iter().map(|at| stamps[*at - slots.len()]).collect();
            let tell = async move |line| calls::invalidate(line, &mine, &moved, life).await;
            self.change(place, "invalidating in", tell)
        });
        // Every server is told, also where another one fails.
        together(calls.collect()).await.into_iter().collect()
    }
}

/// What a part of a preparation has given.
enum Made {
    Stamp(Stamp),
    Lease(bool),
}
