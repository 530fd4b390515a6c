//! Which of larder's own stores settings can name, and what each reads of them.

#[cfg(feature = "memcached")]
mod memcache;
#[cfg(feature = "moka")]
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod url;

use cache_core::private::{BuiltIn, submit};
#[cfg(any(feature = "memcached", feature = "redis"))]
use cache_core::{Error, ErrorKind, Result, Settings};

/// What adds a store to a builder, if the feature is on.
macro_rules! with {
    ($feature:literal, $add:expr) => {{
        #[cfg(feature = $feature)]
        {
            Some($add)
        }
        #[cfg(not(feature = $feature))]
        {
            None
        }
    }};
}

submit! {
    BuiltIn {
        names: &["memory"],
        meant_by: &[],
        feature: "moka",
        add: with!("moka", memory::add),
    }
}

submit! {
    BuiltIn {
        names: &["redis"],
        meant_by: &["REDIS_URL", "REDIS_HOST"],
        feature: "redis",
        add: with!("redis", redis::add),
    }
}

submit! {
    BuiltIn {
        names: &["redis-sentinel"],
        meant_by: &[],
        feature: "redis",
        add: with!("redis", redis::add_sentinel),
    }
}

submit! {
    BuiltIn {
        names: &["redis-cluster"],
        meant_by: &[],
        feature: "redis",
        add: with!("redis", redis::add_cluster),
    }
}

submit! {
    BuiltIn {
        names: &["memcache", "memcached"],
        meant_by: &["MEMCACHE_SERVERS"],
        feature: "memcached",
        add: with!("memcached", memcache::add),
    }
}

/// Makes a store. If it is refused for no other reason than that it would speak in plain text to
/// another machine, the error says so in the words of settings.
#[cfg(any(feature = "memcached", feature = "redis"))]
fn allowed<S>(
    settings: &Settings,
    named: &str,
    instead: &str,
    make: impl Fn(bool) -> Result<S>,
) -> Result<S> {
    const INSECURE: &str = "CACHE_INSECURE";

    let plain = settings.flag(INSECURE)?;
    make(plain).map_err(|error| {
        // Nothing is sent by trying.
        if !plain && make(true).is_ok() {
            return Error::new(
                ErrorKind::Config,
                format!(
                    "`{named}` is on another machine, and what goes there in plain text can be read \
                     and changed on the way: {instead}, or `{INSECURE}=true` where the network is \
                     trusted"
                ),
            );
        }
        error.within(format!("`{named}`"))
    })
}
