//! Decides what a duration in an attribute means, in milliseconds.

use syn::{Error, Lit, Result};

/// What to write instead of something that is no duration.
pub(crate) const EXPECTED: &str = "expected whole seconds or a duration with units: `600`, \
     \"250ms\", \"30s\", \"10m\", \"1h 30m\" or \"7d\"; or a \
     constant of type `Duration`";

/// The units, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// The longest duration. Every store can add it to the present time without overflow.
const MAX_DAYS: u64 = 36_500;

/// The milliseconds of a duration that is neither zero nor over 36500 days.
pub(crate) fn millis(lit: &Lit) -> Result<u64> {
    let millis = match lit {
        Lit::Int(seconds) if seconds.suffix().is_empty() => {
            let seconds = seconds.base10_parse::<u64>().ok();
            seconds.map_or(u64::MAX, |seconds| seconds.saturating_mul(1_000))
        }
        Lit::Str(text) => sum(&text.value()).ok_or_else(|| Error::new(lit.span(), instead(lit)))?,
        _ => return Err(Error::new(lit.span(), instead(lit))),
    };
    if millis == 0 {
        let zero = "a duration of zero keeps nothing: give at least \"1ms\"";
        return Err(Error::new(lit.span(), zero));
    }
    if millis > MAX_DAYS * 86_400_000 {
        let long = format!("a duration is at most {MAX_DAYS} days: \"{MAX_DAYS}d\"");
        return Err(Error::new(lit.span(), long));
    }
    Ok(millis)
}

/// What to write instead of what is no duration: what was meant, if that is plain.
fn instead(lit: &Lit) -> String {
    match lit {
        Lit::Str(text) if is_number(text.value().trim()) => {
            let number = text.value();
            let number = number.trim();
            format!(
                "a duration in quotes has a unit: write \"{number}s\", or `{number}` for seconds"
            )
        }
        Lit::Str(text) if in_words(&text.value()).is_some() => {
            let short = in_words(&text.value()).unwrap_or_default();
            format!("a unit is one of `ms`, `s`, `m`, `h` and `d`: write \"{short}\"")
        }
        Lit::Int(number) if UNITS.iter().any(|(unit, _)| *unit == number.suffix()) => {
            format!("a duration with a unit is in quotes: write \"{number}\"")
        }
        _ => EXPECTED.to_owned(),
    }
}

/// What `10 minutes` is in short.
fn in_words(text: &str) -> Option<String> {
    let (number, unit) = split_while(text.trim(), |c| c.is_ascii_digit());
    let unit = unit.trim().to_lowercase();
    let words = [
        ("milli", "ms"),
        ("sec", "s"),
        ("min", "m"),
        ("h", "h"),
        ("day", "d"),
    ];
    let (_, short) = words.iter().find(|(word, _)| unit.starts_with(word))?;
    let whole = is_number(number) && unit.chars().all(char::is_alphabetic);
    whole.then(|| format!("{number}{short}"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// The sum of `number unit` pairs, saturating, or nothing if that is not what it is.
fn sum(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut millis = None;
    while !rest.is_empty() {
        let (number, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after.trim_start(), |c| c.is_ascii_alphabetic());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        // Only a number too great for `u64` fails here, or one that is not there.
        let number = match number {
            "" => return None,
            digits => digits.parse::<u64>().unwrap_or(u64::MAX),
        };
        millis = Some(
            number
                .saturating_mul(*unit)
                .saturating_add(millis.unwrap_or(0)),
        );
        rest = after.trim_start();
    }
    millis
}

fn split_while(text: &str, belongs: fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    fn millis(lit: &str) -> Result<u64, String> {
        super::millis(&parse_str(lit).expect("a literal")).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_numbers_are_seconds() {
        assert_eq!(millis("600"), Ok(600_000));
        assert_eq!(millis("1_000"), Ok(1_000_000));
    }

    #[test]
    fn strings_are_sums_of_numbers_with_units() {
        assert_eq!(millis("\"250ms\""), Ok(250));
        assert_eq!(millis("\"30s\""), Ok(30_000));
        assert_eq!(millis("\"10m\""), Ok(600_000));
        assert_eq!(millis("\"1h 30m\""), Ok(5_400_000));
        assert_eq!(millis("\"1h30m\""), Ok(5_400_000));
        assert_eq!(millis("\" 7 d \""), Ok(604_800_000));
    }

    #[test]
    fn what_has_no_unit_or_another_type_is_no_duration() {
        for wrong in [
            "\"m\"",
            "\"\"",
            "\"1.5h\"",
            "\"-1s\"",
            "\"10 fortnights\"",
            "0.5",
            "60u8",
            "true",
        ] {
            assert_eq!(millis(wrong), Err(super::EXPECTED.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_number_and_its_unit_are_told_apart_from_seconds() {
        let quoted = millis("60s").unwrap_err();
        assert!(quoted.ends_with("in quotes: write \"60s\""), "{quoted}");
        let alone = millis("\"60\"").unwrap_err();
        assert!(
            alone.ends_with("write \"60s\", or `60` for seconds"),
            "{alone}"
        );
    }

    #[test]
    fn zero_and_more_than_a_hundred_years_are_refused() {
        for zero in ["0", "\"0ms\"", "\"0h 0m\""] {
            assert!(millis(zero).unwrap_err().contains("zero"), "{zero}");
        }
        assert_eq!(millis("\"36500d\""), Ok(3_153_600_000_000));
        for long in [
            "\"36501d\"",
            "\"999999999999999999999999d\"",
            "18446744073709551616",
        ] {
            assert!(millis(long).unwrap_err().contains("at most"), "{long}");
        }
    }
}
