//! What the README promises, from outside. One binary, one module for each promise.

mod api;
mod basics;
mod batch;
mod companions;
mod functions;
mod key_part;
mod log;
mod options;
#[cfg(feature = "redis")]
mod p1_far;
mod p1_no_resurrection;
mod p2_one_load;
#[cfg(feature = "redis")]
mod p3_never_fails;
mod runtimes;
#[cfg(all(
    feature = "json",
    feature = "lz4",
    feature = "redis",
    feature = "seal",
    feature = "testkit",
    feature = "zstd"
))]
mod security;
mod strict;
mod world;
mod writes;
