//! Decides what a jitter in an attribute means, in hundredths of a percent.

use syn::{Error, Lit, Result};

/// The whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// The hundredths of a percent that `lit` says: from none to the whole.
pub(crate) fn hundredths(lit: &Lit) -> Result<u16> {
    let hundredths = match lit {
        Lit::Int(zero) if zero.base10_digits() == "0" => Some(0),
        Lit::Str(text) => text.value().trim().strip_suffix('%').and_then(parse),
        _ => None,
    };
    let message = match (hundredths, meant(lit)) {
        (Some(hundredths), _) if hundredths <= WHOLE => {
            return Ok(u16::try_from(hundredths).expect("the whole fits"));
        }
        (Some(_), _) => "a jitter is at most \"100%\", with which a value is kept for any time up \
                         to twice its ttl"
            .to_owned(),
        (None, Some(percent)) => format!("a jitter is a part of the ttl: write \"{percent}%\""),
        (None, None) => {
            "expected a part of the ttl, such as \"10%\" or \"2.5%\", or `0`".to_owned()
        }
    };
    Err(Error::new(lit.span(), message))
}

/// The hundredths in a number with at most two decimals.
fn parse(number: &str) -> Option<u32> {
    let number = number.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "00"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 2 {
        return None;
    }
    // Only a number too great for `u32` fails here.
    let whole = whole.parse::<u32>().unwrap_or(WHOLE);
    let decimals = format!("{decimals:0<2}").parse::<u32>().ok()?;
    Some(whole.saturating_mul(100).saturating_add(decimals))
}

/// The percent that a number without their sign most likely means.
fn meant(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Int(percent) => Some(percent.base10_digits().to_owned()),
        Lit::Str(text) => parse(&text.value()).map(|_| text.value().trim().to_owned()),
        Lit::Float(part) => {
            let (whole, decimals) = part.base10_digits().split_once('.')?;
            let percent = format!("{decimals:0<2}").parse::<u32>().ok()?;
            (whole == "0" && decimals.len() <= 2).then(|| percent.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    fn hundredths(lit: &str) -> Result<u16, String> {
        super::hundredths(&parse_str(lit).expect("a literal")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_jitter_is_a_part_of_the_ttl_in_percent_or_none() {
        assert_eq!(hundredths("\"10%\""), Ok(1_000));
        assert_eq!(hundredths("\" 2.5 %\""), Ok(250));
        assert_eq!(hundredths("\"0.05%\""), Ok(5));
        assert_eq!(hundredths("\"100%\""), Ok(10_000));
        assert_eq!(hundredths("\"0%\""), Ok(0));
        assert_eq!(hundredths("0"), Ok(0));
    }

    #[test]
    fn more_than_the_whole_is_refused() {
        for wrong in ["\"100.01%\"", "\"110%\"", "\"99999999999%\""] {
            assert!(
                hundredths(wrong).unwrap_err().contains("at most"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_no_percentage_is_answered_with_the_one_that_was_meant() {
        for (wrong, meant) in [
            ("10", "\"10%\""),
            ("0.1", "\"10%\""),
            ("0.05", "\"5%\""),
            ("\"10\"", "\"10%\""),
        ] {
            let message = hundredths(wrong).unwrap_err();
            assert!(message.ends_with(&format!("write {meant}")), "{message}");
        }
        for wrong in [
            "\"\"",
            "\"%\"",
            "\"-1%\"",
            "\"1.234%\"",
            "\"10 s\"",
            "1.5",
            "true",
        ] {
            assert!(
                hundredths(wrong).unwrap_err().starts_with("expected"),
                "{wrong}"
            );
        }
    }
}
