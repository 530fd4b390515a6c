//! The runtime of larder: use it through the facade, `larder`.
//!
//! # The way of one call
//!
//! ```text
//!   #[cached] fn ──► site::near ──► NearStore::read ──► Entry valid? ── yes ──► value        a hit
//!                        │           (lock-free)         clock, fence, feed
//!                        │ no: the key goes into a box, the body too
//!                        ▼
//!                  serve::serve ──► flight::join ──┬─ Wait: another's load ──► its value or error
//!                        │                         ├─ Reentrant: run the body, share nothing
//!                        │ Lead                    └─ (after 5 s: run the body, share nothing)
//!                        ▼
//!                  look near once more, then far::look ── one MGET: entry and stamps ── valid ──► hit
//!                        │                                (error or timeout is not a miss)
//!                        ▼ miss
//!                  far::prepare ── stamps that are missing, the lease of the slot
//!                        ▼
//!                  Driving: poll the body; dropped in the middle, a waiter goes on with it
//!                        ▼
//!                  near.insert under the key's lock, if no invalidation came in between
//!                        ▼
//!                  publish to those who wait ──► far::store, if the lease still stands
//!
//!   #[invalidate_cache] fn ──► Purge ──► Inner::invalidate: forget here ──► far::invalidate ──► forget here
//!                                        (doom flights, remove entries,    (stamps, slots, one message
//!                                         move cells)                       to all near tiers; retried: flux)
//! ```
//!
//! # The rooms
//!
//! | decides | modules |
//! | --- | --- |
//! | what a key is, and what it belongs to | `key`, `names`, `glob` |
//! | what the parts of a return type mean | `outcome` |
//! | whether a value that a function wrote may be stored | `put`, `journal` |
//! | whether a value may be seen in this process | `fence`, `entry`, `cache` (`valid`), built by `cache::builder` |
//! | who loads, who waits | `flight`; how a thread waits: `block` |
//! | what is asked of a call instead of its result | `ask`, `caught`, for users `handle` |
//! | what happens on a miss, in which order | `serve` (functions), `hand` (methods of `Cache`), both on a `call` |
//! | whether a far entry may be seen | `far::look` (`valid`) |
//! | whether the far tier is asked at all | `breaker`, `flux` |
//! | how values become bytes | `codec`, `envelope`; compressed and sealed: `packing` |
//! | what processes tell each other | `feed` |
//! | how long, how much | `policy`, `clock`, `rng` |
//! | which functions there are, and who invalidates whom | `graph` |
//! | what is said from outside: the environment, stores by name | `settings` |
//! | what is counted and logged | `stats`, `event` |
//! | what a store must do | `near` ([`NearStore`]), `backend` ([`Backend`]) |
//!
//! Locks: a key's shard of the flights, then a flight's own. No lock is held over an await or
//! while a load runs. A value that is replaced or removed may be dropped under its key's lock, so
//! a `Drop` must not use the cache.

mod api;
mod ask;
mod backend;
mod batch;
mod block;
mod breaker;
mod cache;
mod call;
mod called;
mod caught;
mod clock;
pub mod codec;
mod deferred;
mod entry;
mod envelope;
mod error;
mod event;
mod far;
mod feed;
mod fence;
mod flight;
mod flux;
mod glob;
mod global;
pub mod graph;
mod hand;
mod handle;
mod journal;
mod key;
mod names;
mod near;
mod outcome;
mod packing;
pub mod policy;
#[doc(hidden)]
pub mod private;
mod purge;
mod put;
mod rng;
mod serve;
mod settings;
mod shape;
mod site;
mod spelling;
mod stats;
mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;
mod witness;

#[doc(hidden)]
pub use crate::private as __private;
/// Payloads that are shared without being copied: what a [`Backend`] reads and writes.
pub use ::bytes::Bytes;
pub use api::{SetOptions, Storable};
pub use backend::{
    Backend, Header, Invalidate, Lease, Listener, Over, Prepare, Prepared, Stamp, Write,
};
pub use cache::{Cache, CacheBuilder};
pub use clock::{Clock, Moment};
pub use deferred::{Deferred, deferred};
pub use entry::{Entry, Live};
pub use error::{Error, ErrorKind, Result};
pub use graph::graph;
pub use handle::{EntryOf, PutEntry, Returns, entry};
pub use key::{KeyPart, KeyWriter};
pub use near::{KeyRef, NearStore};
pub use outcome::{Cacheable, Carried};
pub use packing::Compression;
#[cfg(feature = "seal")]
pub use packing::Seal;
pub use rng::Dice;
pub use settings::{Settings, register};
pub use stats::{CallStats, Stats};
