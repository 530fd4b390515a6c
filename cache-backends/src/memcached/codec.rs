//! memcached's meta protocol, as far as it is spoken here: `mg`, `ms`, `md`, `mn` and their answers.

mod reply;
mod request;

pub(super) use self::{
    reply::{Flags, Malformed, Reply, parse},
    request::{Batch, If, Life, Name},
};
