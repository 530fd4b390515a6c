//! memcached's meta protocol, as far as it is spoken here: `mg`, `ms`, `md`, `mn` and their answers.

#[cfg(feature = "testkit")]
mod fuzz;
mod reply;
mod request;

#[cfg(feature = "testkit")]
pub use self::fuzz::replies;
pub(super) use self::{
    reply::{Flags, Malformed, Reply, parse},
    request::{Batch, If, Life, Name},
};
