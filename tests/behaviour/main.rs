//! What the README promises, from outside. One binary, one module for each promise.

mod api;
mod basics;
mod batch;
#[cfg(feature = "testkit")]
mod chaos;
mod companions;
mod deferred;
mod functions;
mod key_part;
mod log;
mod options;
#[cfg(feature = "redis")]
mod p1_cluster;
#[cfg(feature = "redis")]
mod p1_far;
mod p1_no_resurrection;
mod p2_one_load;
#[cfg(feature = "redis")]
mod p3_never_fails;
mod runtimes;
mod settings;
mod strict;
#[cfg(feature = "testkit")]
mod testkit;
mod world;
mod writes;
