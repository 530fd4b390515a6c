//! What must hold of the answers of a server that may send anything.

use super::{Reply, parse};

/// Prefixes are tried one by one up to here, and again towards the end.
const SOME: usize = 300;

/// Reads one answer after the other from bytes. Whether the first is one.
///
/// # Panics
///
/// If an answer is taken for whole before it is, or depends on what follows it.
pub fn replies(data: &[u8]) -> bool {
    let mut rest = data;
    while let Ok(Some((reply, taken))) = parse(rest) {
        assert!(
            0 < taken && taken <= rest.len(),
            "{taken} of {}",
            rest.len()
        );
        if let Reply::Value(value, _) = &reply {
            assert!(value.len() < taken);
        }
        assert_eq!(parse(&rest[..taken]), Ok(Some((reply, taken))));
        let starts = (0..taken.min(SOME)).chain(taken.saturating_sub(SOME)..taken);
        for start in starts {
            assert_eq!(parse(&rest[..start]), Ok(None), "{start} of {taken} bytes");
        }
        rest = &rest[taken..];
    }
    rest.len() < data.len()
}
