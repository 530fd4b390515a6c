//! How often each fault happens.

use std::time::Duration;

/// How often each fault happens, as a probability for each call, `0.0..=1.0`; never, where nothing
/// is said. Each method adds one fault.
///
/// ```
/// use std::time::Duration;
/// use cache_core::testkit::{Chaos, Plan};
///
/// let chaos = Chaos::seeded(42);
/// chaos.set(
///     Plan::new()
///         .fail(0.05)
///         .lose_answers(0.05)
///         .delay(0.2, Duration::from_millis(20)),
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "a plan does nothing until it is set"]
pub struct Plan {
    pub(super) fail: f64,
    pub(super) lose_answers: f64,
    pub(super) write_late: Within,
    pub(super) hang: f64,
    pub(super) delay: Within,
    pub(super) garble: f64,
    pub(super) evict: f64,
    pub(super) lose_notices: f64,
    pub(super) repeat_notices: f64,
    pub(super) late_notices: Within,
    pub(super) break_feed: Within,
    pub(super) stall: Within,
}

/// A fault that takes a random part of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Within {
    pub(super) probability: f64,
    pub(super) span: Duration,
}

impl Plan {
    /// Nothing happens.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// assert_eq!(Plan::new(), Plan::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of the far tier are refused, and do nothing.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().fail(0.1);
    /// ```
    pub fn fail(mut self, probability: f64) -> Self {
        self.fail = checked(probability);
        self
    }

    /// Calls of the far tier do what they are asked to and then fail, as on a line that breaks
    /// before the answer.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().lose_answers(0.1);
    /// ```
    pub fn lose_answers(mut self, probability: f64) -> Self {
        self.lose_answers = checked(probability);
        self
    }

    /// Writes to the far tier fail and are applied all the same, up to `span` later.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().write_late(0.1, std::time::Duration::from_millis(50));
    /// ```
    pub fn write_late(mut self, probability: f64, span: Duration) -> Self {
        self.write_late = Within::checked(probability, span);
        self
    }

    /// Calls of the far tier never return. Half of them have done what they were asked to.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().hang(0.01);
    /// ```
    pub fn hang(mut self, probability: f64) -> Self {
        self.hang = checked(probability);
        self
    }

    /// Calls of the far tier take up to `span` longer, partly before they do what they are asked
    /// to and partly after.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().delay(0.5, std::time::Duration::from_millis(20));
    /// ```
    pub fn delay(mut self, probability: f64, span: Duration) -> Self {
        self.delay = Within::checked(probability, span);
        self
    }

    /// Answers of the far tier have flipped bits, missing or additional bytes, are too few or too
    /// many, are there where nothing is or the other way round. An answer never moves to another
    /// name in a list of the right length: that a client does not mix them up is the one thing
    /// that nobody behind it can check.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().garble(0.1);
    /// ```
    pub fn garble(mut self, probability: f64) -> Self {
        self.garble = checked(probability);
        self
    }

    /// The stores lose what they hold: the far tier one of the names that a call is about, the near
    /// tier the entry of the key.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().evict(0.1);
    /// ```
    pub fn evict(mut self, probability: f64) -> Self {
        self.evict = checked(probability);
        self
    }

    /// Notices do not arrive, while the feed says that it is fine. No store may do this: the near
    /// tiers of other processes then hold what is invalid for as long as it lives.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().lose_notices(0.1);
    /// ```
    pub fn lose_notices(mut self, probability: f64) -> Self {
        self.lose_notices = checked(probability);
        self
    }

    /// Notices arrive twice.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().repeat_notices(0.1);
    /// ```
    pub fn repeat_notices(mut self, probability: f64) -> Self {
        self.repeat_notices = checked(probability);
        self
    }

    /// Notices arrive up to `span` late, and hold up all that comes behind them, heartbeats
    /// included: a feed that lags.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().late_notices(0.1, std::time::Duration::from_millis(500));
    /// ```
    pub fn late_notices(mut self, probability: f64, span: Duration) -> Self {
        self.late_notices = Within::checked(probability, span);
        self
    }

    /// A notice breaks the feed: it does not arrive, nor does anything else for up to `span`, and
    /// then the feed is back. The listener is told that it was lost.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().break_feed(0.1, std::time::Duration::from_secs(1));
    /// ```
    pub fn break_feed(mut self, probability: f64, span: Duration) -> Self {
        self.break_feed = Within::checked(probability, span);
        self
    }

    /// Calls of the near tier hold their thread up for up to `span` of real time: no clock pauses
    /// this.
    ///
    /// ```
    /// # use cache_core::testkit::Plan;
    /// let plan = Plan::new().stall(0.01, std::time::Duration::from_micros(100));
    /// ```
    pub fn stall(mut self, probability: f64, span: Duration) -> Self {
        self.stall = Within::checked(probability, span);
        self
    }
}

impl Within {
    fn checked(probability: f64, span: Duration) -> Self {
        Self {
            probability: checked(probability),
            span,
        }
    }
}

/// # Panics
///
/// If it is no probability.
#[track_caller]
fn checked(probability: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&probability),
        "a probability of {probability} is not within 0.0 to 1.0"
    );
    probability
}
