//! Checks the constants that attributes are given as durations, while the program is compiled.

use std::time::Duration;

use crate::policy::{MAX_TTL, MIN_TTL};

/// The milliseconds of a duration.
///
/// # Panics
///
/// If it is zero or over 36500 days, which stops the compilation where it is a constant.
#[track_caller]
pub const fn millis(duration: Duration) -> u64 {
    let millis = duration.as_millis();
    assert!(
        millis >= MIN_TTL.as_millis(),
        "a duration of zero keeps nothing: give at least a millisecond"
    );
    assert!(
        millis <= MAX_TTL.as_millis(),
        "a duration is at most 36500 days"
    );
    #[allow(clippy::cast_possible_truncation, reason = "it was just compared")]
    let millis = millis as u64;
    millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stores_can_bear_is_taken() {
        assert_eq!(millis(MIN_TTL), 1);
        assert_eq!(millis(MAX_TTL), 3_153_600_000_000);
    }

    #[test]
    #[should_panic(expected = "keeps nothing")]
    fn less_than_a_millisecond_is_zero() {
        millis(Duration::from_micros(999));
    }

    #[test]
    #[should_panic(expected = "at most 36500 days")]
    fn more_than_a_hundred_years_is_refused() {
        millis(MAX_TTL + MIN_TTL);
    }
}
