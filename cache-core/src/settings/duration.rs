//! What a duration is when it is read at run time: the same as in an attribute.

use std::time::Duration;

use crate::policy::MAX_TTL;

/// What to write instead of something that is no duration.
const EXPECTED: &str =
    "write whole seconds or a duration with units: `600`, `250ms`, `30s`, `10m`, `1h 30m` or `7d`";

/// The units, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A duration that is neither zero nor over a hundred years, or else what to write.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    let seconds = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let millis = if seconds {
        number(text).saturating_mul(1_000)
    } else {
        sum(text).ok_or(EXPECTED)?
    };
    match Duration::from_millis(millis) {
        Duration::ZERO => Err("nothing is kept for no time at all: write at least `1ms`"),
        duration if duration > MAX_TTL => Err("write at most `36500d`"),
        duration => Ok(duration),
    }
}

/// The sum of pairs of a number and a unit, in milliseconds, if that is what it is.
fn sum(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut millis = None;
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after.trim_start(), |c| c.is_ascii_alphabetic());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if digits.is_empty() {
            return None;
        }
        let part = number(digits).saturating_mul(*unit);
        millis = Some(part.saturating_add(millis.unwrap_or(0)));
        rest = after.trim_start();
    }
    millis
}

/// The number that these digits are; one that is too great is as great as can be.
fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

fn split_while(text: &str, belongs: fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_seconds_and_the_rest_are_sums_with_units() {
        for (text, millis) in [
            ("600", 600_000),
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            (" 7 d ", 604_800_000),
            ("36500d", 3_153_600_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_no_duration() {
        for text in ["m", "1.5h", "-1s", "-1", "10 fortnights", "1_000", "60s5"] {
            assert_eq!(parse(text), Err(EXPECTED), "{text}");
        }
    }

    #[test]
    fn zero_and_more_than_a_hundred_years_are_refused() {
        for zero in ["0", "0ms", "0h 0m"] {
            assert!(parse(zero).unwrap_err().contains("`1ms`"), "{zero}");
        }
        for long in [
            "36501d",
            "999999999999999999999999d",
            "18446744073709551616",
        ] {
            assert!(parse(long).unwrap_err().contains("`36500d`"), "{long}");
        }
    }
}
