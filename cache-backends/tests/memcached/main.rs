//! The far tier on memcached, on real servers that the tests start and break themselves.

mod contract;
mod limits;
mod login;
mod machine;
mod oracle;
mod outage;
mod peer;
#[path = "../redis/probe.rs"]
mod probe;
mod restart;
mod several;
#[cfg(feature = "memcached-rustls")]
mod tls;

/// The store on one server, for which a busy machine is no outage.
fn patient(server: &test_support::MemcachedServer) -> cache_backends::Memcached {
    cache_backends::Memcached::builder([server.address()])
        .deadline(std::time::Duration::from_secs(5))
        .build()
        .unwrap()
}
