//! Where cached answers lie: in this process, and in Redis if there is one.

use larder::{Cache, Moka, Redis};

/// A cache in this process. With a Redis server it shares what it knows with every other process
/// that uses the same `namespace` there; nothing else changes.
///
/// # Errors
///
/// If the settings cannot work. A Redis server that is away is no error: it is used when it is there.
pub fn cache(namespace: &str, redis: Option<Redis>) -> larder::Result<Cache> {
    let near = Cache::builder().namespace(namespace).near(Moka::default());
    match redis {
        Some(redis) => near.far(redis).build(),
        None => near.build(),
    }
}
