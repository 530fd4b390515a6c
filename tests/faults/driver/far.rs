//! How a process reaches the store under test.

use std::time::Duration;

use larder::{Cache, CacheBuilder, Memcached, Moka, Redis};

const FINE: &str = "the settings are in order";
/// For processes for which a busy machine is no outage.
const PATIENCE: Duration = Duration::from_secs(5);

/// The settings that lead to a store.
#[derive(Debug, Clone)]
pub(crate) enum Far {
    /// One server, Sentinel or Cluster, as the url says.
    Redis(String),
    /// One or more servers, by their list.
    Memcached(String),
}

impl Far {
    /// A process that waits for the store as long as users' processes do.
    pub(crate) fn hasty(&self) -> CacheBuilder {
        match self {
            Self::Redis(url) => {
                // One of the hosts under test does not exist, which is no host of this machine.
                let redis = Redis::builder(url).insecure();
                Cache::builder().far(redis.build().expect(FINE))
            }
            Self::Memcached(list) => Cache::builder().far(Memcached::connect(list).expect(FINE)),
        }
    }

    /// A process for which only what is said is an outage, not what takes time.
    pub(crate) fn patient(&self) -> CacheBuilder {
        let builder = Cache::builder().outage_budget(PATIENCE);
        match self {
            Self::Redis(url) => {
                let redis = Redis::builder(url)
                    .deadline(PATIENCE)
                    .replica_patience(PATIENCE);
                builder.far(redis.build().expect(FINE))
            }
            Self::Memcached(list) => {
                let memcached = Memcached::builder([list]).deadline(PATIENCE);
                builder.far(memcached.build().expect(FINE))
            }
        }
    }

    /// Hasty processes as they usually are: one without a near tier and one with both tiers.
    pub(crate) fn processes(&self) -> [Cache; 2] {
        [self.hasty(), self.hasty().near(Moka::default())].map(build)
    }
}

pub(crate) fn build(builder: CacheBuilder) -> Cache {
    builder.build().expect(FINE)
}
