//! The far tier on memcached, on real servers that the tests start and break themselves.

mod contract;
mod limits;
mod login;
mod oracle;
mod outage;
mod peer;
#[path = "../redis/probe.rs"]
mod probe;
mod restart;
mod several;
#[cfg(feature = "memcached-rustls")]
mod tls;
