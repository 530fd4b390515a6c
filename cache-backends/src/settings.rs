//! Which of larder's own stores settings can name, and what each reads of them.

#[cfg(feature = "moka")]
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod url;

use cache_core::private::{BuiltIn, submit};

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
        add: None,
    }
}
