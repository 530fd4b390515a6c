//! What the settings of memcached are.

use cache_core::{CacheBuilder, Result, Settings};

use super::allowed;
use crate::Memcached;

const SERVERS: &str = "MEMCACHE_SERVERS";
const USER: &str = "MEMCACHE_USER";
const PASSWORD: &str = "MEMCACHE_PASSWORD";
const TLS: &str = "MEMCACHE_TLS";

const LOCALHOST: &str = "localhost";

/// Adds the far tier.
pub(super) fn add(settings: &Settings, builder: CacheBuilder) -> Result<CacheBuilder> {
    let builder = builder.far(store(settings)?);
    Ok(match settings.duration("MEMCACHE_TTL")? {
        Some(ttl) => builder.ttl(ttl),
        None => builder,
    })
}

fn store(settings: &Settings) -> Result<Memcached> {
    let mut memcached = Memcached::builder([settings.text(SERVERS)?.unwrap_or(LOCALHOST)]);
    match (settings.text(USER)?, settings.text(PASSWORD)?) {
        (None, None) => {}
        (Some(user), Some(password)) => {
            let alone = Memcached::builder([LOCALHOST]).credentials(user, password);
            let fine = alone.build();
            fine.map_err(|error| error.within(format!("`{USER}`, `{PASSWORD}`")))?;
            memcached = memcached.credentials(user, password);
        }
        (Some(_), None) => return Err(settings.refuse(PASSWORD, "`MEMCACHE_USER` needs one")),
        (None, Some(_)) => return Err(settings.refuse(USER, "`MEMCACHE_PASSWORD` needs one")),
    }
    if settings.flag(TLS)? {
        memcached = encrypted(settings, memcached)?;
    }
    allowed(settings, SERVERS, "set `MEMCACHE_TLS=true`", |plain| {
        let memcached = memcached.clone();
        if plain {
            memcached.insecure()
        } else {
            memcached
        }
        .build()
    })
}

#[cfg(feature = "memcached-rustls")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "its like without the feature fails"
)]
fn encrypted(_: &Settings, memcached: crate::MemcachedBuilder) -> Result<crate::MemcachedBuilder> {
    Ok(memcached.tls())
}

#[cfg(not(feature = "memcached-rustls"))]
fn encrypted(settings: &Settings, _: crate::MemcachedBuilder) -> Result<crate::MemcachedBuilder> {
    Err(settings.refuse(TLS, "switch on the feature `memcached-rustls`"))
}
