//! What a fault costs: the calls under it, as a row of a table, and what must be true of them.

use std::{
    fmt,
    time::{Duration, Instant},
};

use larder::{Cache, policy::DEFAULT_OUTAGE_BUDGET};
use tokio::time::timeout;

use super::trial::{Call, NEVER, Trial};

/// What a busy machine may add to the times of all but one call in a hundred, and to that one.
/// The longest time for which it was seen to let a thread wait comes on top, twice: the server
/// has to wait like the caller.
const SLACK: Duration = Duration::from_millis(50);
const WORST_SLACK: Duration = Duration::from_millis(150);
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
    fault: &'static str,
    began: Instant,
    /// Errors of the far tier before it.
    errors: u64,
}

impl<'t> Outage<'t> {
    pub(crate) fn new(trial: &'t Trial, fault: &'static str, began: Instant, errors: u64) -> Self {
        Self {
            trial,
            fault,
            began,
            errors,
        }
    }

    /// Whether the breaker is open in both processes.
    pub(crate) fn is_given_up(&self) -> bool {
        let mut caches = self.trial.caches().iter().map(Cache::stats);
        caches.all(|stats| stats.breaker_open)
    }

    /// From now on the server is back: waits until it is used, and judges.
    pub(crate) async fn over(self) {
        let returned = Instant::now();
        let used = timeout(NEVER, self.trial.used()).await;
        let back = match used {
            Ok(()) => Back::After(returned.elapsed()),
            Err(_) => Back::Never,
        };
        self.judge(&back);
    }

    /// Judges a fault that does not end.
    pub(crate) fn goes_on(self) {
        self.judge(&Back::NotAwaited);
    }

    fn judge(self, back: &Back) {
        let calls = self.trial.calls_since(self.began);
        let all = Times::of(calls.iter());
        let open = Times::of(calls.iter().filter(|call| call.open));
        let failed = calls.iter().filter(|call| !call.right).count();
        let (fault, count, given_up) = (self.fault, all.0.len(), open.0.len());
        let stall = self.trial.stall();
        println!(
            "| {fault} | {count} | {failed} | {all} | {given_up} | {open} | {back} | {} ms |",
            stall.as_millis()
        );

        assert_eq!(failed, 0, "{fault}: calls without a result of their own");
        let errors = self.trial.errors() - self.errors;
        assert!(errors > 0 && count > 0, "{fault}: it has hit nothing");
        let (p99, worst) = (all.part(0.99), all.part(1.0));
        let busy = DEFAULT_OUTAGE_BUDGET + 2 * stall;
        assert!(
            p99 <= busy + SLACK && worst <= busy + WORST_SLACK,
            "{fault}: calls returned {p99:?} late at p99, {worst:?} at worst, on a machine that \
             stalls for {stall:?}"
        );
        let (median, p99) = (open.part(0.5), open.part(0.99));
        assert!(
            given_up < ENOUGH || (median < OPEN_MEDIAN && p99 < OPEN_P99 + 2 * stall),
            "{fault}: with the breaker open a call costs {median:?}, and {p99:?} at p99, on a \
             machine that stalls for {stall:?}"
        );
        assert!(back.is_soon(), "{fault}: back after {back}");
    }
}

/// How long after its return the far tier was used again.
enum Back {
    After(Duration),
    Never,
    NotAwaited,
}

impl Back {
    fn is_soon(&self) -> bool {
        match self {
            Self::After(time) => *time < BACK + BACK_SLACK,
            Self::Never => false,
            Self::NotAwaited => true,
        }
    }
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(time) => write!(f, "{:.2} s", time.as_secs_f64()),
            Self::Never => f.write_str("never"),
            Self::NotAwaited => f.write_str("-"),
        }
    }
}

/// What calls took, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of<'c>(calls: impl Iterator<Item = &'c Call>) -> Self {
        let mut times: Vec<_> = calls.map(|call| call.took).collect();
        times.sort_unstable();
        Self(times)
    }

    /// The time that this part of all calls did not exceed; zero without calls.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into some thousand calls"
    )]
    fn part(&self, part: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * part).ceil() as usize;
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        let millis = |part| self.part(part).as_secs_f64() * 1_000.0;
        let [median, p99, worst] = [0.5, 0.99, 1.0].map(millis);
        write!(f, "{median:.2} / {p99:.1} / {worst:.1} ms")
    }
}
