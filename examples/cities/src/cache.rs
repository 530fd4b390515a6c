//! Where cached answers lie: in this process, and in Redis if there is one.

use larder::{Cache, Moka, Redis};

/// A cache in this process. With the address of a Redis server it shares what it knows with
/// every other process that uses the same `namespace` there; nothing else changes.
///
/// # Errors
///
/// If the address cannot be one. A server that is not there is no error: it will be used when it is.
pub fn cache(namespace: &str, redis: Option<&str>) -> larder::Result<Cache> {
    let near = Cache::builder().namespace(namespace).near(Moka::default());
    match redis {
        Some(url) => near.far(Redis::connect(url)?).build(),
        None => near.build(),
    }
}
