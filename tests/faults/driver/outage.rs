//! What a fault costs those who call during it, and what must be true of that.

use std::time::{Duration, Instant};

use larder::{Cache, policy::DEFAULT_OUTAGE_BUDGET};
use tokio::time::timeout;

use super::{NEVER, SLACK, Trial, WORST_SLACK, trial::Call};
use crate::suite::{Row, Times};

/// What [`Outage`] promises, for the table.
pub(crate) const PROMISE: &str = "P3";
/// What takes so long has hung. A busy machine may keep one call or two for longer than it was
/// seen to stall, but not for this long.
const HANGS: Duration = Duration::from_secs(2);
/// By when a server that is back must be used again, and what a busy machine may add to it.
const BACK: Duration = Duration::from_secs(2);
const BACK_SLACK: Duration = Duration::from_secs(1);
/// What calls may cost with the breaker open: one half of them, and all but one in a hundred.
const OPEN_MEDIAN: Duration = Duration::from_millis(1);
const OPEN_P99: Duration = Duration::from_millis(5);
/// Fewer calls than this with the breaker open say nothing about their times.
const ENOUGH: usize = 100;

/// A fault from its beginning to its end.
#[must_use = "a fault that is not seen to its end shows nothing"]
pub(crate) struct Outage<'t> {
    trial: &'t Trial,
    began: Instant,
    /// Errors of the far tier before it.
    errors: u64,
    /// Whether it may go by without one.
    harmless: bool,
}

impl<'t> Outage<'t> {
    pub(crate) fn new(trial: &'t Trial, began: Instant, errors: u64) -> Self {
        Self {
            trial,
            began,
            errors,
            harmless: false,
        }
    }

    /// It may go by without an error of the far tier.
    pub(crate) fn maybe_harmless(self) -> Self {
        Self {
            harmless: true,
            ..self
        }
    }

    /// Whether the breaker is open in both processes.
    pub(crate) fn is_given_up(&self) -> bool {
        let mut caches = self.trial.caches().iter().map(Cache::stats);
        caches.all(|stats| stats.breaker_open)
    }

    /// From now on the server is back: waits until it is used, and judges.
    pub(crate) async fn over(self) -> Row {
        let trial = self.trial;
        self.over_since(Instant::now(), trial.used()).await
    }

    /// The same where the server was back at a moment that has passed, and it shows otherwise
    /// that it is used.
    pub(crate) async fn over_since(self, returned: Instant, used: impl Future<Output = ()>) -> Row {
        let used = timeout(NEVER, used).await;
        let back = used.map_or(NEVER, |()| returned.elapsed());
        let mut row = self.judged();
        row.back = Some(back);
        row.must(back < BACK + BACK_SLACK, || {
            format!("used again only after {back:?}")
        });
        row
    }

    /// Judges a fault that does not end.
    pub(crate) fn goes_on(self) -> Row {
        self.judged()
    }

    fn judged(&self) -> Row {
        let calls = self.trial.calls_since(self.began);
        let mut row = Row {
            calls: calls.len(),
            failed: calls.iter().filter(|call| !call.right).count(),
            added: Times::of(calls.iter().map(|call| call.took)),
            open: Times::of(calls.iter().filter(|call| call.open).map(|call| call.took)),
            stall: self.trial.stall(),
            ..Row::default()
        };
        let errors = self.trial.errors() - self.errors;
        row.must((errors > 0 || self.harmless) && !calls.is_empty(), || {
            "it has hit nothing".to_owned()
        });
        judge(&mut row, &calls);
        row
    }
}

/// Notes what must be true of calls under a fault.
fn judge(row: &mut Row, calls: &[Call]) {
    let (failed, stall) = (row.failed, row.stall);
    row.must(failed == 0, || {
        format!("{failed} calls without a result of their own")
    });
    let (p99, worst) = (row.added.part(0.99), row.added.part(1.0));
    let busy = DEFAULT_OUTAGE_BUDGET + 2 * stall;
    let late = calls.iter().filter(|call| call.took > busy + WORST_SLACK);
    let late = late.count();
    row.must(p99 <= busy + SLACK && late <= 2 && worst < HANGS, || {
        format!(
            "calls returned {p99:?} late at p99, {worst:?} at worst, {late} far too late, on a \
                 machine that stalls for {stall:?}"
        )
    });
    let (median, p99) = (row.open.part(0.5), row.open.part(0.99));
    let cheap = median < OPEN_MEDIAN && p99 < OPEN_P99 + 2 * stall;
    row.must(row.open.count() < ENOUGH || cheap, || {
        format!(
            "with the breaker open a call costs {median:?}, and {p99:?} at p99, on a machine \
                 that stalls for {stall:?}"
        )
    });
}
