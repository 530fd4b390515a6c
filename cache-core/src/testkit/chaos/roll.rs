//! The dice of one call: a row of numbers that its seed and its place decide.

use std::time::Duration;

use crate::rng::Dice;

#[derive(Debug)]
pub(super) struct Roll(Dice);

impl Roll {
    pub(super) fn new(seed: u64, call: u64) -> Self {
        // Dice of neighbouring seeds have nothing in common; a plain sum would make call 2 of
        // seed 1 the same as call 1 of seed 2.
        Self(Dice::seeded(seed ^ Dice::seeded(call).draw()))
    }

    /// Whether something of this probability happens. It takes one number in any case, so that
    /// what is decided next does not depend on this probability.
    pub(super) fn hits(&mut self, probability: f64) -> bool {
        self.0.unit() < probability
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number below `end`, or zero.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a length fits into 64 bits");
        usize::try_from(self.bits() % end).expect("less than a usize")
    }

    /// A part of a span.
    pub(super) fn up_to(&mut self, span: Duration) -> Duration {
        span.mul_f64(self.0.unit())
    }
}
