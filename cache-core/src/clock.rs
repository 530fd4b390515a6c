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

/// The clock of a cache: the machine's, or one that a test moves by hand.
///
/// The system clock is monotonic and coarse: 1 to 10 ms on Linux, whatever the kernel's tick.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`advance`](Self::advance). Clones move together.
    pub fn manual() -> Self {
        // Far from zero, so that a test can look back.
        Self(Source::Manual(Arc::new(AtomicU64::new(1_000_000))))
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    ///
    /// If this is the system clock: nobody moves that.
    pub fn advance(&self, span: Duration) {
        match &self.0 {
            Source::Manual(now) => now.fetch_add(millis(span), Ordering::SeqCst),
            Source::System => panic!("only a manual clock can be advanced"),
        };
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => Moment(system_millis()),
            Source::Manual(now) => Moment(now.load(Ordering::SeqCst)),
        }
    }

    /// Milliseconds since 1970, for stamps that other processes read.
    pub(crate) fn wall_millis(&self) -> u64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
                }),
            Source::Manual(now) => 1_700_000_000_000 + now.load(Ordering::SeqCst),
        }
    }
}

fn system_millis() -> u64 {
    static START: OnceLock<coarsetime::Instant> = OnceLock::new();
    let start = *START.get_or_init(coarsetime::Instant::now);
    // One second is added so that `Moment::START` is in the past from the first look on.
    coarsetime::Instant::now().duration_since(start).as_millis() + 1_000
}
