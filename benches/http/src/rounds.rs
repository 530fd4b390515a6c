//! How a number is made from many measurements, and how it is shown beside its target.

/// The middle of `samples`, or the lower of the two in the middle.
///
/// # Panics
///
/// If there is none.
pub(crate) fn median(samples: &[f64]) -> f64 {
    assert!(!samples.is_empty(), "nothing was measured");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// The median of the ratios of two contenders, round by round: a round that was disturbed as a
/// whole disturbs both, and their ratio stays.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// Prints one line of verdict.
pub(crate) fn verdict(what: &str, ratio: f64, at_least: f64) {
    let met = if ratio >= at_least { "met" } else { "MISSED" };
    println!("{what}: {ratio:.3} (at least {at_least}: {met})");
}
