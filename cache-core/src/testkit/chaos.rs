//! Which faults happen, how often, and by which seed: what all chaos wrappers of a test share.

mod codec;
mod ear;
mod far;
mod garbage;
mod near;
mod plan;
mod roll;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use self::roll::Roll;
pub use self::{codec::ChaosCodec, far::ChaosFar, near::ChaosNear, plan::Plan};

/// The source of the faults of one test, shared by the wrappers that it is given to. Clones are
/// one source.
///
/// It is at rest until it is given a [`Plan`], and again after [`rest`](Self::rest): then wrappers
/// are as good as what they wrap. The same seed brings the same faults to the same calls in the
/// same order. All waiting is tokio's, so that a paused clock drives it.
///
/// ```
/// use cache_core::{Cache, testkit::{Chaos, ChaosFar, Fault, MemoryFar, Plan}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let chaos = Chaos::seeded(42);
/// let far = ChaosFar::new(MemoryFar::default(), &chaos);
/// let cache = Cache::builder().far(far).build()?;
///
/// chaos.set(Plan::new().fail(1.0));
/// let load = || async { Ok::<_, String>(7) };
/// assert_eq!(cache.get_or_load("answer", load).await, Ok(7), "no cache, no harm");
/// assert!(chaos.count(Fault::Failed) > 0);
///
/// chaos.rest();
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Chaos(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    seed: u64,
    calls: AtomicU64,
    plan: Mutex<Plan>,
    happened: [AtomicU64; Fault::ALL.len()],
}

/// What can go wrong.
///
/// ```
/// # use cache_core::testkit::{Chaos, Fault};
/// assert_eq!(Chaos::seeded(1).count(Fault::Hung), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A call was refused, and nothing was done.
    Failed,
    /// A call did what it was asked to, and then failed.
    AnswerLost,
    /// A call failed, and did what it was asked to some time later.
    WrittenLate,
    /// A call never returned.
    Hung,
    /// A call took its time.
    Delayed,
    /// An answer was not what the store had said.
    Garbled,
    /// Something that was stored was lost.
    Evicted,
    /// A notice did not arrive, and nobody was told so.
    NoticeLost,
    /// A notice arrived twice.
    NoticeRepeated,
    /// A notice, and all that came after it, arrived late.
    NoticeLate,
    /// The feed was lost with a notice, and came back some time later.
    FeedBroken,
    /// A thread was held up.
    Stalled,
}

impl Fault {
    /// Every fault, in the order of their declaration.
    pub const ALL: [Self; 12] = [
        Self::Failed,
        Self::AnswerLost,
        Self::WrittenLate,
        Self::Hung,
        Self::Delayed,
        Self::Garbled,
        Self::Evicted,
        Self::NoticeLost,
        Self::NoticeRepeated,
        Self::NoticeLate,
        Self::FeedBroken,
        Self::Stalled,
    ];
}

impl Chaos {
    /// A source at rest.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, Plan};
    /// assert_eq!(Chaos::seeded(42).plan(), Plan::new());
    /// ```
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Shared {
            seed,
            calls: AtomicU64::new(0),
            plan: Mutex::default(),
            happened: std::array::from_fn(|_| AtomicU64::new(0)),
        }))
    }

    /// From now on, this happens.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, Plan};
    /// Chaos::seeded(42).set(Plan::new().fail(0.1).garble(0.1));
    /// ```
    pub fn set(&self, plan: Plan) {
        *self.lock() = plan;
    }

    /// From now on, nothing happens. What was put off still comes, and what hangs still hangs.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, Plan};
    /// # let chaos = Chaos::seeded(42);
    /// chaos.set(Plan::new().fail(1.0));
    /// chaos.rest();
    /// assert_eq!(chaos.plan(), Plan::new());
    /// ```
    pub fn rest(&self) {
        self.set(Plan::new());
    }

    /// What happens now.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, Plan};
    /// # let chaos = Chaos::seeded(42);
    /// chaos.set(chaos.plan().fail(0.5)); // and what happens already
    /// ```
    pub fn plan(&self) -> Plan {
        self.lock().clone()
    }

    /// How often a fault has happened, so that a test can see that it tested something.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, Fault};
    /// assert_eq!(Chaos::seeded(42).count(Fault::Failed), 0);
    /// ```
    pub fn count(&self, fault: Fault) -> u64 {
        self.0.happened[fault as usize].load(Ordering::Relaxed)
    }

    /// The dice of one call. Each call has its own, so that what happens to it depends on its
    /// place in the order of calls and on nothing else.
    fn roll(&self) -> Roll {
        let call = self.0.calls.fetch_add(1, Ordering::Relaxed);
        Roll::new(self.0.seed, call)
    }

    /// Whether a fault of this probability happens now; counted if so.
    fn strikes(&self, roll: &mut Roll, fault: Fault, probability: f64) -> bool {
        let strikes = roll.hits(probability);
        if strikes {
            self.0.happened[fault as usize].fetch_add(1, Ordering::Relaxed);
        }
        strikes
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
