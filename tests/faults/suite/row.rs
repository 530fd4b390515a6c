//! What a case has measured, and which of its promises were broken.

use std::{fmt, time::Duration};

/// One line of the table. What was not looked at is `None`.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Calls under the fault, and those of them that did not return their own result.
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    /// Invalidations that were reported as not confirmed.
    pub(crate) unconfirmed: Option<usize>,
    /// How much later than by their own time calls returned.
    pub(crate) added: Times,
    /// The same of calls while the breaker was open.
    pub(crate) open: Times,
    /// Reads that returned less than a completed invalidation had promised.
    pub(crate) stale: Option<usize>,
    /// How long after the end of the fault the store was used again.
    pub(crate) back: Option<Duration>,
    /// The longest time for which the machine kept a thread waiting meanwhile.
    pub(crate) stall: Duration,
    /// What did not hold.
    pub(crate) broken: Vec<String>,
}

impl Row {
    /// Notes what must hold.
    pub(crate) fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// What calls took, in order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that this part of all calls did not exceed; zero without calls.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into some thousand calls"
    )]
    pub(crate) fn part(&self, part: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * part).ceil() as usize;
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// Median, p99 and worst, in milliseconds.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        let millis = |part| self.part(part).as_secs_f64() * 1_000.0;
        let [median, p99, worst] = [0.5, 0.99, 1.0].map(millis);
        write!(f, "{median:.2} / {p99:.1} / {worst:.0}")
    }
}
