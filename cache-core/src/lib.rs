//! The runtime of larder.

mod backend;
mod clock;
mod codec;
mod entry;
mod envelope;
mod error;
mod fence;
mod key;
mod near;
mod sync;

pub use backend::{
    Backend, Header, Invalidate, Lease, Listener, Over, Prepare, Prepared, Stamp, Write,
};
pub use clock::{Clock, Moment};
#[cfg(feature = "json")]
pub use codec::Json;
pub use codec::{Auto, Bincode, Codec, MAX_DECODED, MAX_DEPTH, MAX_STORED, MsgPack, Raw, Table};
#[doc(hidden)]
pub use codec::{Outcome, Probe, ViaFar, ViaNear, ViaRaw, named, probe};
pub use entry::{Entry, Live};
pub use error::{Error, ErrorKind, Result};
pub use near::{KeyRef, NearStore};
