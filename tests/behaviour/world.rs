//! A source of values that counts its loads and lets a test hold them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use larder::{Cache, Moka};
use tokio::sync::Semaphore;

/// A cache with a near tier only, and nothing random.
pub(crate) fn near_cache() -> Cache {
    Cache::builder()
        .near(Moka::new(1_000).expect("a capacity"))
        .jitter(0.0)
        .build()
        .expect("the settings are in order")
}

/// One versioned row behind a gate.
#[derive(Debug, Clone)]
pub(crate) struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    version: AtomicU64,
    loads: AtomicU64,
    gate: Semaphore,
    begun: Semaphore,
}

impl Source {
    /// A source whose loads go through at once.
    pub(crate) fn open() -> Self {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    /// A source that holds every load, after it has read its version, until it is let through.
    pub(crate) fn closed() -> Self {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Self {
        Self(Arc::new(Inner {
            version: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            gate: Semaphore::new(permits),
            begun: Semaphore::new(0),
        }))
    }

    /// One load: reads the version, and returns it once it is let through.
    pub(crate) async fn load(&self) -> u64 {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        let version = self.version();
        self.0.begun.add_permits(1);
        self.0.gate.acquire().await.expect("never closed").forget();
        version
    }

    /// Waits until one more load has read its version.
    pub(crate) async fn begun(&self) {
        self.0.begun.acquire().await.expect("never closed").forget();
    }

    /// Lets one load through.
    pub(crate) fn let_one(&self) {
        self.0.gate.add_permits(1);
    }

    /// Writes: the next load gets a higher version.
    pub(crate) fn commit(&self) -> u64 {
        self.0.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::SeqCst)
    }

    pub(crate) fn loads(&self) -> u64 {
        self.0.loads.load(Ordering::SeqCst)
    }
}
