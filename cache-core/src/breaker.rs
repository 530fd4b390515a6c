//! Whether the far tier is worth asking: a circuit breaker by rate, with one probe at a time.

use std::time::Duration;

use crate::{
    clock::{Clock, Moment},
    sync::{Mutex, lock},
};

/// Failures are counted over this window and the one before it.
const WINDOW: Duration = Duration::from_secs(1);
/// Fewer failures than this never open the circuit.
const LEAST_FAILURES: u32 = 5;
/// How long after opening, or after a failed probe, the next probe is sent.
const PROBE_AFTER: Duration = Duration::from_millis(250);

/// The circuit of one far tier.
///
/// It opens when, over the last one to two seconds, at least five calls and at least half of all
/// calls failed. While it is open nobody calls; a probe in the background closes it.
#[derive(Debug)]
pub(crate) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Calls and failures of this window and of the last.
    now: Tally,
    before: Tally,
    since: Moment,
    /// When the next probe is due, if the circuit is open.
    open: Option<Moment>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    calls: u32,
    failures: u32,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Call.
    Go,
    /// Do not call.
    Refuse,
    /// Do not call, but see to it that a probe is sent, and tell how it went.
    Probe,
}

/// What a result changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Open,
    Closed,
    No,
}

impl Breaker {
    pub(crate) fn new(clock: Clock) -> Self {
        let since = clock.now();
        Self {
            clock,
            state: Mutex::new(State {
                now: Tally::default(),
                before: Tally::default(),
                since,
                open: None,
            }),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.state).open.is_some()
    }

    pub(crate) fn admit(&self) -> Admission {
        let mut state = lock(&self.state);
        match state.open {
            None => Admission::Go,
            Some(due) => {
                let now = self.clock.now();
                if now < due {
                    return Admission::Refuse;
                }
                // The next probe is due later even if this one is never heard of again.
                state.open = Some(now.after(PROBE_AFTER));
                Admission::Probe
            }
        }
    }

    /// Counts a call that was made, or ends a probe.
    pub(crate) fn record(&self, ok: bool) -> Turned {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        if state.open.is_some() {
            if ok {
                state.open = None;
                state.now = Tally::default();
                state.before = Tally::default();
                return Turned::Closed;
            }
            return Turned::No;
        }
        state.roll(now);
        state.now.calls += 1;
        state.now.failures += u32::from(!ok);
        if ok || !state.broken() {
            return Turned::No;
        }
        state.open = Some(now.after(PROBE_AFTER));
        Turned::Open
    }
}

impl State {
    fn roll(&mut self, now: Moment) {
        let age = now.since(self.since);
        if age < WINDOW {
            return;
        }
        self.before = if age < 2 * WINDOW {
            self.now
        } else {
            Tally::default()
        };
        self.now = Tally::default();
        self.since = now;
    }

    fn broken(&self) -> bool {
        let failures = self.now.failures + self.before.failures;
        let calls = self.now.calls + self.before.calls;
        failures >= LEAST_FAILURES && failures * 2 >= calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(breaker: &Breaker, times: u32) -> Turned {
        (0..times).map(|_| breaker.record(false)).last().unwrap()
    }

    #[test]
    fn half_of_the_calls_must_fail_and_at_least_five() {
        let breaker = Breaker::new(Clock::manual());
        assert_eq!(failing(&breaker, 4), Turned::No);
        assert_eq!(breaker.admit(), Admission::Go);
        assert_eq!(failing(&breaker, 1), Turned::Open);
        assert_eq!(breaker.admit(), Admission::Refuse);

        let breaker = Breaker::new(Clock::manual());
        for _ in 0..11 {
            breaker.record(true);
        }
        assert_eq!(failing(&breaker, 10), Turned::No, "10 of 21");
        assert_eq!(failing(&breaker, 1), Turned::Open, "11 of 22");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let clock = Clock::manual();
        let breaker = Breaker::new(clock.clone());
        failing(&breaker, 4);
        clock.advance(2 * WINDOW);
        assert_eq!(failing(&breaker, 4), Turned::No);
    }

    #[test]
    fn one_probe_at_a_time_closes_it() {
        let clock = Clock::manual();
        let breaker = Breaker::new(clock.clone());
        failing(&breaker, 5);
        clock.advance(PROBE_AFTER);
        assert_eq!(breaker.admit(), Admission::Probe);
        assert_eq!(breaker.admit(), Admission::Refuse);
        assert_eq!(breaker.record(false), Turned::No);
        clock.advance(PROBE_AFTER);
        assert_eq!(
            breaker.admit(),
            Admission::Probe,
            "a lost probe is followed by another"
        );
        assert_eq!(breaker.record(true), Turned::Closed);
        assert_eq!(breaker.admit(), Admission::Go);
    }
}
