//! Servers, a fault proxy and a recorder for larder's own tests.
//!
//! - [`RedisServer`] starts a real server on a free loopback port and ends it, whatever happens.
//! - [`SentinelGroup`] is a master, its replicas, and three sentinels that replace it.
//! - [`RedisCluster`] starts six of them, three masters with a replica each, as one cluster.
//! - [`MemcachedServer`] starts a memcached, in the same way.
//! - [`FaultProxy`] stands between a client and a server and breaks the line between them.
//! - [`Recorder`] writes down what was read and invalidated; [`check`] finds the stale reads.
//! - [`Mix`] is the load under which promises are tested, [`Naive`] the protocol that fails it.
//!
//! Nothing here knows larder: what is tested is driven through the [`Subject`] trait.

mod check;
mod cluster;
mod fault;
mod link;
mod memcached;
mod mix;
mod monitor;
mod naive;
mod port;
mod process;
mod proxy;
mod random;
mod recorder;
mod resp;
mod sentinel;
mod server;

pub use check::{Report, Stale, check};
pub use cluster::RedisCluster;
pub use fault::{Fault, Links, Way};
pub use memcached::MemcachedServer;
pub use mix::{Failure, Mix, Run, Subject};
pub use monitor::{Command, Monitor};
pub use naive::Naive;
pub use proxy::{FaultProxy, Traffic};
pub use random::Random;
pub use recorder::{Call, Invalidation, Log, Read, Recorder, Source, Tape};
pub use resp::{AsyncClient, Client, Reply};
pub use sentinel::{Sentinel, SentinelGroup};
pub use server::RedisServer;
