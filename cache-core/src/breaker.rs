//! Whether the far tier is worth asking: a circuit breaker by rate, with one probe at a time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    clock::{Clock, Moment},
    stats::Striped,
    sync::{Mutex, lock},
};

/// Failures are counted over this window and the one before it.
const WINDOW: Duration = Duration::from_secs(1);
/// Fewer failures than this never open the circuit.
const LEAST_FAILURES: u64 = 5;
/// How long after opening, or after a failed probe, the next probe is sent.
const PROBE_AFTER: Duration = Duration::from_millis(250);

/// The circuit of one far tier.
///
/// It opens when, over the last one to two seconds, at least five calls and at least half of all
/// calls failed. While it is open nobody calls; a probe in the background closes it.
///
/// While all goes well, calls touch no memory that other threads write.
#[derive(Debug)]
pub(crate) struct Breaker {
    clock: Clock,
    /// All calls ever made.
    calls: Striped,
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Failures of this window, and all calls before it.
    failures: u64,
    calls: u64,
    /// The window before.
    before: Tally,
    since: Moment,
    /// When the next probe is due, if the circuit is open.
    open: Option<Moment>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    calls: u64,
    failures: u64,
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
            calls: Striped::default(),
            is_open: AtomicBool::new(false),
            state: Mutex::new(State {
                failures: 0,
                calls: 0,
                before: Tally::default(),
                since,
                open: None,
            }),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(crate) fn admit(&self) -> Admission {
        if !self.is_open() {
            return Admission::Go;
        }
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
        self.calls.one();
        if ok && !self.is_open() {
            return Turned::No;
        }
        let now = self.clock.now();
        let mut state = lock(&self.state);
        if state.open.is_some() {
            if !ok {
                return Turned::No;
            }
            state.open = None;
            state.begin(now, self.calls.get(), Tally::default());
            self.is_open.store(false, Ordering::Release);
            return Turned::Closed;
        }
        if ok {
            return Turned::No;
        }
        let calls = self.calls.get();
        // The call that failed belongs to the window in which it failed.
        state.roll(now, calls - 1);
        state.failures += 1;
        if !state.broken(calls) {
            return Turned::No;
        }
        state.open = Some(now.after(PROBE_AFTER));
        self.is_open.store(true, Ordering::Release);
        Turned::Open
    }
}

impl State {
    fn roll(&mut self, now: Moment, calls: u64) {
        let age = now.since(self.since);
        if age < WINDOW {
            return;
        }
        let last = Tally {
            calls: calls.saturating_sub(self.calls),
            failures: self.failures,
        };
        let recent = age < 2 * WINDOW;
        self.begin(now, calls, if recent { last } else { Tally::default() });
    }

    fn begin(&mut self, now: Moment, calls: u64, before: Tally) {
        self.before = before;
        self.calls = calls;
        self.failures = 0;
        self.since = now;
    }

    fn broken(&self, calls: u64) -> bool {
        let failures = self.failures + self.before.failures;
        let calls = calls.saturating_sub(self.calls) + self.before.calls;
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
    fn calls_of_long_ago_do_not_hide_failures_of_now() {
        let clock = Clock::manual();
        let breaker = Breaker::new(clock.clone());
        for _ in 0..10_000 {
            breaker.record(true);
        }
        clock.advance(2 * WINDOW);
        assert_eq!(failing(&breaker, 4), Turned::No);
        assert_eq!(failing(&breaker, 1), Turned::Open);
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
