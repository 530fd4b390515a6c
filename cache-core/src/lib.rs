//! The runtime of larder.

mod api;
mod backend;
mod breaker;
mod cache;
mod call;
mod clock;
pub mod codec;
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
mod hand;
mod key;
mod names;
mod near;
mod outcome;
pub mod policy;
#[doc(hidden)]
pub mod private;
mod purge;
mod rng;
mod serve;
mod site;
mod stats;
mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;

#[doc(hidden)]
pub use crate::private as __private;
pub use api::{SetOptions, Storable};
pub use backend::{
    Backend, Header, Invalidate, Lease, Listener, Over, Prepare, Prepared, Stamp, Write,
};
pub use cache::{Cache, CacheBuilder};
pub use clock::{Clock, Moment};
pub use entry::{Entry, Live};
pub use error::{Error, ErrorKind, Result};
pub use key::{KeyPart, KeyWriter};
pub use near::{KeyRef, NearStore};
pub use outcome::{Cacheable, Carried};
pub use rng::Dice;
pub use stats::{CallStats, Stats};
