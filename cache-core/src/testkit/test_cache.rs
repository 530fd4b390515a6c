//! A whole cache for one test: both tiers in memory, a clock that stands still, a recording.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{MemoryFar, MemoryNear, Recording};
use crate::{
    cache::{Cache, CacheBuilder},
    clock::Clock,
    error::Result,
};

/// A cache for one test, with all that the test looks at.
///
/// It has a near tier and a far tier in memory, a clock that moves by [`advance`](Self::advance)
/// alone, no jitter, and a [`Recording`] whose questions and assertions are its own. Clones are one
/// cache.
///
/// Functions that name no cache find it by [`enter`](Self::enter), others by
/// [`enter_as`](Self::enter_as) or as `cache = …`.
///
/// ```
/// use std::time::Duration;
/// use cache_core::testkit::TestCache;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let test = TestCache::new();
/// test.cache().set("users:7", &"ada".to_owned()).await?;
/// test.advance(Duration::from_secs(301));
/// assert_eq!(test.cache().get::<String>("users:7").await?, None);
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct TestCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cache: Cache,
    recording: Recording,
    clock: Clock,
    near: Option<MemoryNear>,
    far: Option<MemoryFar>,
    /// What stands in for a static. It is the cache's handle that leaks, not what it holds.
    leaked: OnceLock<&'static Cache>,
}

const FINE: &str = "the settings of a test cache are in order";

impl Default for TestCache {
    fn default() -> Self {
        Self::new()
    }
}

impl TestCache {
    /// A cache with both tiers.
    ///
    /// ```
    /// # use cache_core::testkit::TestCache;
    /// let test = TestCache::new();
    /// assert!(test.far().is_some());
    /// ```
    pub fn new() -> Self {
        let clock = Clock::manual();
        Self::over(Some(MemoryFar::new(clock.clone())), clock)
    }

    /// A cache with a near tier only, as the default cache is where nothing was installed.
    ///
    /// ```
    /// # use cache_core::testkit::TestCache;
    /// let test = TestCache::near_only();
    /// assert!(test.far().is_none());
    /// ```
    pub fn near_only() -> Self {
        Self::over(None, Clock::manual())
    }

    /// A cache of one's own making, with other tiers or another ttl, say. It is given a clock that
    /// stands still, and a recording.
    ///
    /// Stores with a clock of their own must be given the same for [`advance`](Self::advance) to
    /// move them: then build the cache by hand, with [`CacheBuilder::record`].
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::build`].
    ///
    /// ```
    /// use cache_core::{Cache, testkit::{MemoryNear, TestCache}};
    ///
    /// let test = TestCache::of(Cache::builder().near(MemoryNear::default()).namespace("shop"))?;
    /// assert_eq!(test.cache().namespace(), "shop");
    /// # cache_core::Result::<()>::Ok(())
    /// ```
    pub fn of(builder: CacheBuilder) -> Result<Self> {
        Self::build(builder, Clock::manual(), None, None)
    }

    /// Another process: a cache with a near tier of its own over the same far tier, by the same
    /// clock. Both hear of each other's invalidations at once.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use cache_core::testkit::TestCache;
    /// let (here, there) = { let here = TestCache::new(); let there = here.sibling(); (here, there) };
    /// here.cache().set("users:7", &1_u32).await?;
    /// assert_eq!(there.cache().get("users:7").await?, Some(1_u32));
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    #[must_use = "it is a cache beside this one"]
    pub fn sibling(&self) -> Self {
        Self::over(self.0.far.clone(), self.0.clock.clone())
    }

    fn over(far: Option<MemoryFar>, clock: Clock) -> Self {
        let near = MemoryNear::new(clock.clone());
        let builder = Cache::builder().near(near.clone()).jitter(0.0);
        let builder = match far.clone() {
            Some(far) => builder.far(far),
            None => builder,
        };
        Self::build(builder, clock, Some(near), far).expect(FINE)
    }

    fn build(
        builder: CacheBuilder,
        clock: Clock,
        near: Option<MemoryNear>,
        far: Option<MemoryFar>,
    ) -> Result<Self> {
        let recording = Recording::default();
        let builder = builder.clock(clock.clone()).record(&recording);
        let cache = builder.build()?;
        if far.is_some() || Handle::try_current().is_ok() {
            // Not with the first call: the feed's beginning would invalidate what that loads.
            cache.0.listen();
        }
        Ok(Self(Arc::new(Inner {
            cache,
            recording,
            clock,
            near,
            far,
            leaked: OnceLock::new(),
        })))
    }

    /// The cache itself.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// assert_eq!(test.cache().stats().near_entries, 0);
    /// ```
    pub fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// What was written down.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// assert!(test.recording().events().is_empty());
    /// ```
    pub fn recording(&self) -> &Recording {
        &self.0.recording
    }

    /// Its far tier, to take it away, to evict from it, to look into it.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.far().unwrap().set_reachable(false);
    /// assert!(test.cache().set("users:7", &1_u32).await.is_err());
    /// # });
    /// ```
    pub fn far(&self) -> Option<&MemoryFar> {
        self.0.far.as_ref()
    }

    /// Lets time pass, in all of it at once. Nobody is kept waiting.
    ///
    /// Other timers than the cache's go on by themselves: those of tokio, for instance, which
    /// `start_paused` holds.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.advance(std::time::Duration::from_secs(3_600));
    /// ```
    pub fn advance(&self, span: Duration) {
        self.0.clock.advance(span);
        // The heartbeats that would have come meanwhile.
        if let Some(far) = &self.0.far {
            far.beat();
        }
    }

    /// The cache for as long as the process lives.
    pub(super) fn leaked(&self) -> &'static Cache {
        self.0
            .leaked
            .get_or_init(|| Box::leak(Box::new(self.0.cache.clone())))
    }
}

impl Deref for TestCache {
    type Target = Recording;

    fn deref(&self) -> &Recording {
        &self.0.recording
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let (Some(_), Some(near)) = (self.leaked.get(), &self.near) {
            crate::NearStore::clear(near);
        }
    }
}
