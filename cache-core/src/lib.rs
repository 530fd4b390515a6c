//! The runtime of larder.

mod backend;
mod clock;
mod entry;
mod error;
mod fence;
mod key;
mod near;
mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use backend::{
    Backend, Header, Invalidate, Lease, Listener, Over, Prepare, Prepared, Stamp, Write,
};
pub use clock::{Clock, Moment};
pub use entry::{Entry, Live};
pub use error::{Error, ErrorKind, Result};
pub use key::{Hashed, KeyPart, KeyWriter, Lower, hashed, lower, part};
pub use near::{KeyRef, NearStore};
