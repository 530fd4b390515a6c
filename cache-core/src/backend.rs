//! What a far tier has to do: hold bytes that processes share, and four conditional writes.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::error::Result;

/// The first bytes of whatever stands in a slot, by which a write says what it replaces: magic,
/// version, kind, and the 64-bit id of the entry or lease.
pub type Header = [u8; 12];

/// A group's current random nonce.
pub type Stamp = u64;

/// A store of bytes that several processes share: Redis, memcached, or yours.
///
/// A backend decides where bytes lie and how they travel, nothing else: it never chooses a
/// lifetime, never reads an envelope beyond its [`Header`], never sees the type of a value. It
/// holds two kinds of names, *slots* (an entry's envelope or a lease) and *stamps* (eight bytes,
/// a group's nonce); both are plain byte strings to it, at most 200 bytes, without white space
/// or control characters.
///
/// # Contract
///
/// - Every method is safe to call from many tasks and to drop at any await; a dropped or
///   timed-out write may still be applied, later, by the server.
/// - A method returns within the backend's own deadline, and at once with
///   [`ErrorKind::Unavailable`](crate::ErrorKind) while the server is known to be away.
/// - The store may lose anything at any moment; it never brings back what was replaced, unless
///   it moves or removes what it was told to [`guard`](Self::guard).
/// - [`prepare`](Self::prepare) and [`store`](Self::store) compare and write *one slot*
///   atomically. Nothing else needs to be atomic.
///
/// `cache_core::conformance!` proves this, rule by rule.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Reads what stands under each of `names`, in their order, in one round trip where the
    /// store can. What is missing or expired is `None`.
    fn read(&self, names: &[&str]) -> impl Future<Output = Result<Vec<Option<Bytes>>>> + Send;

    /// Gets ready for a load: makes the missing stamps, and takes the lease of a slot.
    fn prepare(&self, prepare: Prepare<'_>) -> impl Future<Output = Result<Prepared>> + Send;

    /// Writes an envelope if the slot still starts with the header `write.expected`; `false`
    /// if not. Also raises the life of each of `write.stamps` to at least `write.stamp_ttl`.
    fn store(&self, write: Write<'_>) -> impl Future<Output = Result<bool>> + Send;

    /// Removes slots, moves stamps to new nonces, and publishes `notice` to all who
    /// [`watch`](Self::watch) the channel, in one round trip and in this order. Idempotent. A
    /// stamp that cannot be written because the store is full is removed instead.
    fn invalidate(&self, change: Invalidate<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Removes every name that starts with `prefix` and that `matches` accepts, page by page:
    /// O(all keys), for maintenance only. Returns how many. The default refuses.
    fn sweep(
        &self,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> impl Future<Output = Result<u64>> + Send {
        let _ = (prefix, matches);
        async {
            Err(crate::Error::new(
                crate::ErrorKind::Rejected,
                "this store cannot list its keys: invalidate a prefix or a tag instead",
            ))
        }
    }

    /// Starts to feed `listener` with what is published on `channel`, from a background task
    /// that ends when `listener` is dropped by everybody else. `false` if the store cannot.
    fn watch(&self, channel: &str, listener: std::sync::Weak<dyn Listener>) -> bool {
        let _ = (channel, listener);
        false
    }

    /// Says once, when a cache is built, that everything of that cache is under this stamp. A
    /// store that can come back with what it held before, from a snapshot or as a replica that
    /// takes over, moves or removes the stamp before it answers anything again: what it holds
    /// may be older than an invalidation. Does not wait. The default does nothing, as is right
    /// for a store that loses everything whenever it loses anything.
    fn guard(&self, stamp: &str) {
        let _ = stamp;
    }
}

/// What [`Backend::prepare`] is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Prepare<'a> {
    /// Stamps to make where they are missing: name and nonce (big-endian bytes in the store).
    pub stamps: &'a [(&'a str, Stamp)],
    /// How long a stamp made here lives.
    pub stamp_ttl: Duration,
    /// The slot whose lease is wanted, or none.
    pub lease: Option<Lease<'a>>,
}

/// A wish for the right to store one slot.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// The slot.
    pub slot: &'a str,
    /// What stands in the slot from then on, if the lease is given.
    pub header: Header,
    /// What it may replace.
    pub over: Over,
    /// How long the lease lives if nothing is stored.
    pub ttl: Duration,
}

/// What a lease may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// An empty slot only.
    Empty,
    /// An empty slot, or one that starts with this header.
    Seen(Header),
    /// Whatever is there.
    Anything,
}

/// What [`Backend::prepare`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The nonce that now stands under each stamp, in the order asked.
    pub stamps: Vec<Stamp>,
    /// Whether the lease was given; `false` if none was asked for.
    pub leased: bool,
}

/// What [`Backend::store`] is asked for.
#[derive(Clone)]
pub struct Write<'a> {
    /// The slot.
    pub slot: &'a str,
    /// The header that must stand in it.
    pub expected: Header,
    /// What to put there.
    pub envelope: Bytes,
    /// How long the store keeps it, in whole milliseconds, at least one.
    pub ttl: Duration,
    /// The stamps that must outlive it.
    pub stamps: &'a [&'a str],
    /// How long they must live from now.
    pub stamp_ttl: Duration,
}

/// Shows how long the envelope is and not what is in it: values do not belong into a log.
impl fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("slot", &self.slot)
            .field("bytes", &self.envelope.len())
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// What [`Backend::invalidate`] is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Invalidate<'a> {
    /// Slots to remove, whatever stands in them.
    pub slots: &'a [&'a str],
    /// Stamps to set, and their new nonces.
    pub stamps: &'a [(&'a str, Stamp)],
    /// How long these stamps live.
    pub stamp_ttl: Duration,
    /// Where to publish.
    pub channel: &'a str,
    /// What to publish; nothing if empty.
    pub notice: &'a [u8],
}

/// Who is told what a feed brings: the near tier's side of [`Backend::watch`].
///
/// The order of calls is the order in which the server published.
pub trait Listener: Send + Sync {
    /// A message of somebody, perhaps oneself.
    fn notice(&self, message: &[u8]);
    /// The server was flushed.
    fn flushed(&self);
    /// The feed was (re)established; whatever was published before this may have been missed.
    fn connected(&self);
    /// A heartbeat that was sent `ago` has now been answered on the feed's own connection, so
    /// everything published before that has been delivered.
    fn alive(&self, ago: Duration);
    /// The feed is lost; `connected` follows when it is back.
    fn lost(&self);
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// [`Backend`] made dyn-compatible by boxing, in this one place. Its methods have names of their
/// own, so that a forwarding call can never mean itself.
pub(crate) trait DynBackend: fmt::Debug + Send + Sync {
    fn read_dyn<'a>(&'a self, names: &'a [&'a str]) -> Boxed<'a, Vec<Option<Bytes>>>;
    fn prepare_dyn<'a>(&'a self, prepare: Prepare<'a>) -> Boxed<'a, Prepared>;
    fn store_dyn<'a>(&'a self, write: Write<'a>) -> Boxed<'a, bool>;
    fn invalidate_dyn<'a>(&'a self, change: Invalidate<'a>) -> Boxed<'a, ()>;
    fn sweep_dyn<'a>(
        &'a self,
        prefix: &'a str,
        matches: &'a (dyn Fn(&str) -> bool + Sync),
    ) -> Boxed<'a, u64>;
    fn watch_dyn(&self, channel: &str, listener: std::sync::Weak<dyn Listener>) -> bool;
    fn guard_dyn(&self, stamp: &str);
}

impl<B: Backend> DynBackend for B {
    fn read_dyn<'a>(&'a self, names: &'a [&'a str]) -> Boxed<'a, Vec<Option<Bytes>>> {
        Box::pin(self.read(names))
    }
    fn prepare_dyn<'a>(&'a self, prepare: Prepare<'a>) -> Boxed<'a, Prepared> {
        Box::pin(self.prepare(prepare))
    }
    fn store_dyn<'a>(&'a self, write: Write<'a>) -> Boxed<'a, bool> {
        Box::pin(self.store(write))
    }
    fn invalidate_dyn<'a>(&'a self, change: Invalidate<'a>) -> Boxed<'a, ()> {
        Box::pin(self.invalidate(change))
    }
    fn sweep_dyn<'a>(
        &'a self,
        prefix: &'a str,
        matches: &'a (dyn Fn(&str) -> bool + Sync),
    ) -> Boxed<'a, u64> {
        Box::pin(self.sweep(prefix, matches))
    }
    fn watch_dyn(&self, channel: &str, listener: std::sync::Weak<dyn Listener>) -> bool {
        self.watch(channel, listener)
    }
    fn guard_dyn(&self, stamp: &str) {
        self.guard(stamp);
    }
}

/// A backend handed to the builder.
pub(crate) type AnyBackend = Arc<dyn DynBackend>;
