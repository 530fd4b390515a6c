//! A store that ignores the fence, to show that it is the fence by which the promise is kept.

use std::sync::Weak;

use larder::{
    Backend, Invalidate, Lease, Listener, Over, Prepare, Prepared, Result, Write,
    testkit::MemoryFar,
};

/// A store that moves no stamp and writes whatever it is given over whatever is there, as a plain
/// `SET` and `DEL` do.
#[derive(Debug, Clone)]
pub(crate) struct Unfenced(pub(crate) MemoryFar);

impl Backend for Unfenced {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<bytes::Bytes>>> {
        self.0.read(names).await
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let stamps = Prepare {
            lease: None,
            ..prepare
        };
        let prepared = self.0.prepare(stamps).await?;
        Ok(Prepared {
            leased: prepare.lease.is_some(),
            ..prepared
        })
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let seize = Prepare {
            stamps: &[],
            stamp_ttl: write.stamp_ttl,
            lease: Some(Lease {
                slot: write.slot,
                header: write.expected,
                over: Over::Anything,
                ttl: write.ttl,
            }),
        };
        self.0.prepare(seize).await?;
        self.0.store(write).await
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let slots_only = Invalidate {
            stamps: &[],
            ..change
        };
        self.0.invalidate(slots_only).await
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        self.0.watch(channel, listener)
    }
}
