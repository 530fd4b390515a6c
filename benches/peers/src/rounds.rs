//! How a number is made from many measurements, and how it is shown beside its target.

/// The middle of `samples`, or the lower of the two in the middle.
///
/// # Panics
///
/// If there is none.
pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// The sample below which the share `q` of `samples` lies.
pub(crate) fn quantile(samples: &[f64], q: f64) -> f64 {
    assert!(!samples.is_empty(), "nothing was measured");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into few samples"
    )]
    let index = ((sorted.len() - 1) as f64 * q) as usize;
    sorted[index]
}

/// The median of the ratios of two contenders, round by round: a round that was disturbed as a
/// whole disturbs both, and their ratio stays.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// Prints one line of verdict: `what`, the ratio, the target, and whether it is met.
pub(crate) fn verdict(what: &str, ratio: f64, target: Target) {
    let (word, bound, met) = match target {
        Target::AtMost(bound) => ("at most", bound, ratio <= bound),
        Target::AtLeast(bound) => ("at least", bound, ratio >= bound),
    };
    let met = if met { "met" } else { "MISSED" };
    println!("{what}: {ratio:.3} ({word} {bound}: {met})");
}

/// What a ratio has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}
