//! How a cache is described, and what is checked before there is one.

use std::{
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Cache, Feed, Inner};
use crate::{
    backend::{AnyBackend, Backend},
    clock::Clock,
    error::{Error, ErrorKind, Result},
    far::Far,
    fence::Fence,
    flight::Flights,
    names::{NAMESPACE, Namespace},
    near::NearStore,
    policy::{DEFAULT_JITTER, DEFAULT_OUTAGE_BUDGET, DEFAULT_TTL, DEFAULT_WAIT},
    rng::Dice,
    sync::Arc,
    witness::Witness,
};

/// Describes a [`Cache`]. Every check is in [`build`](Self::build).
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CacheBuilder {
    namespace: String,
    near: Option<Arc<dyn NearStore>>,
    far: Option<AnyBackend>,
    clock: Clock,
    dice: Dice,
    ttl: Duration,
    jitter: f64,
    wait: Duration,
    outage_budget: Duration,
    witness: Witness,
}

impl Default for CacheBuilder {
    fn default() -> Self {
        Self {
            namespace: "larder".to_owned(),
            near: None,
            far: None,
            clock: Clock::system(),
            dice: Dice::default(),
            ttl: DEFAULT_TTL,
            jitter: DEFAULT_JITTER,
            wait: DEFAULT_WAIT,
            outage_budget: DEFAULT_OUTAGE_BUDGET,
            witness: Witness::default(),
        }
    }
}

impl CacheBuilder {
    /// What stands before all keys, groups and channels in a store that others share: the
    /// application and its environment, `shop:prod`. By default `larder`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Keeps live values in this process.
    pub fn near(mut self, store: impl NearStore) -> Self {
        self.near = Some(Arc::new(store));
        self
    }

    /// Keeps bytes in a store that processes share.
    pub fn far(mut self, backend: impl Backend) -> Self {
        self.far = Some(Arc::new(backend));
        self
    }

    /// How long a value lives when nothing else is said; by default 300 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How far the ttl of a loaded value varies, as a part of it; by default 0.1. Not above 1.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long a caller waits for another's load before it loads for itself; by default 5 s.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How much later than by its own time a call may return because the far tier is in
    /// trouble; by default 50 ms.
    pub fn outage_budget(mut self, budget: Duration) -> Self {
        self.outage_budget = budget;
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Other dice than the machine's.
    pub fn dice(mut self, dice: Dice) -> Self {
        self.dice = dice;
        self
    }

    /// Writes down in `recording` what happens in this cache; only there with the feature
    /// `testkit`.
    #[cfg(feature = "testkit")]
    pub fn record(mut self, recording: &crate::testkit::Recording) -> Self {
        self.witness = Witness::new(recording.clone());
        self
    }

    /// Builds the cache. It opens no connection: that happens at the first use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the ttl is zero, the jitter is not within `0.0..=1.0`, or the
    /// namespace is empty, longer than 40 bytes, or has other characters than letters, digits
    /// and `-_.:`.
    pub fn build(self) -> Result<Cache> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.check()?;
        let names = Namespace::new(&self.namespace);
        let far = self.far.map(|backend| {
            let (clock, dice) = (self.clock.clone(), self.dice.clone());
            Arc::new(Far::new(
                backend,
                names.clone(),
                self.outage_budget,
                clock,
                dice,
            ))
        });
        Ok(Cache(Arc::new_cyclic(|me| Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            names,
            near: self.near,
            far,
            fence: Fence::new(),
            flights: Arc::new(Flights::new()),
            journal: Arc::default(),
            sender: self.dice.draw(),
            clock: self.clock,
            dice: self.dice,
            ttl: self.ttl,
            jitter: self.jitter,
            wait: self.wait,
            me: me.clone(),
            feed: Feed::default(),
            by_hand: Arc::default(),
            witness: self.witness,
            sites: RwLock::default(),
            warned: std::sync::Mutex::default(),
        })))
    }

    fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Config, what));
        if self.ttl.is_zero() {
            return wrong("a ttl of zero keeps nothing: give at least a millisecond".into());
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return wrong(format!(
                "a jitter of {} is not within 0.0 to 1.0",
                self.jitter
            ));
        }
        self.check_namespace()
    }

    pub(crate) fn check_namespace(&self) -> Result<()> {
        if Namespace::may_be(&self.namespace) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "the namespace `{}` cannot be: {NAMESPACE}",
                self.namespace.escape_debug()
            ),
        ))
    }
}
