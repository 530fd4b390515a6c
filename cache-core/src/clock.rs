//! What time it is. Time is a parameter, so that tests choose it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in monotonic time, in milliseconds since this process first looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// Later than every other.
    pub const NEVER: Self = Self(u64::MAX);
    /// Not later than any other.
    pub const START: Self = Self(0);

    /// This moment and `span` later, rounded up to a whole millisecond.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// How long ago `earlier` was; zero if it was not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Whole milliseconds, rounded up, so that no positive span becomes zero.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Where a test's clocks begin: far from zero, so that a test can look back.
const BEGIN: u64 = 1_000_000;

/// The clock of a cache: the machine's, or one that a test moves by hand.
///
/// The system clock is monotonic and coarse: 1 to 10 ms on Linux, whatever the kernel's tick.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
    #[cfg(feature = "testkit")]
    Tokio(tokio::time::Instant),
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`advance`](Self::advance). Clones move together.
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(BEGIN))))
    }

    /// A clock that goes as tokio's does from now on: in a test that begins with `start_paused`,
    /// it stands still while there is something to do, and jumps to the next timer when not.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_core::Clock;
    /// # let runtime = tokio::runtime::Builder::new_current_thread()
    /// #     .enable_time().start_paused(true).build().unwrap();
    /// # runtime.block_on(async {
    /// let clock = Clock::tokio();
    /// let before = clock.now();
    /// tokio::time::sleep(Duration::from_secs(3_600)).await; // at once
    /// assert_eq!(clock.now().since(before), Duration::from_secs(3_600));
    /// # });
    /// ```
    #[cfg(feature = "testkit")]
    pub fn tokio() -> Self {
        Self(Source::Tokio(tokio::time::Instant::now()))
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    ///
    /// If this is another clock: nobody moves that.
    pub fn advance(&self, span: Duration) {
        let Source::Manual(now) = &self.0 else {
            panic!("only a manual clock can be advanced");
        };
        now.fetch_add(millis(span), Ordering::SeqCst);
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => Moment(system_millis()),
            Source::Manual(now) => Moment(now.load(Ordering::SeqCst)),
            #[cfg(feature = "testkit")]
            Source::Tokio(begin) => Moment(BEGIN + whole_millis(begin.elapsed())),
        }
    }

    /// Milliseconds since 1970, for stamps that other processes read.
    pub(crate) fn wall_millis(&self) -> u64 {
        if let Source::System = &self.0 {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            return since.map_or(0, whole_millis);
        }
        1_700_000_000_000 + self.now().as_millis()
    }
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn system_millis() -> u64 {
    static START: OnceLock<coarsetime::Instant> = OnceLock::new();
    let start = *START.get_or_init(coarsetime::Instant::now);
    // One second is added so that `Moment::START` is in the past from the first look on.
    coarsetime::Instant::now().duration_since(start).as_millis() + 1_000
}
