//! The far tier on Redis, on real servers that the tests start and break themselves.

mod acl;
mod address;
mod cluster;
mod combine;
mod contract;
mod feed;
mod fence;
mod outage;
mod probe;
mod refusal;
mod replica;
mod runtime;
mod sentinel;
#[cfg(feature = "redis-rustls")]
mod tls;
mod wait;
