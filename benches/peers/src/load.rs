//! Which keys are asked for, in which order.

use test_support::Random;

/// How many keys are resident.
pub(crate) const KEYS: u64 = 10_000;

/// How requests are spread over the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Zipf with exponent 1: the k-th most popular key is asked for 1/k as often as the first.
    Zipf,
    /// Every key alike.
    Uniform,
    /// One key only.
    Hot,
}

impl Workload {
    /// Every workload, in the order of the columns.
    pub(crate) const ALL: [Self; 3] = [Self::Zipf, Self::Uniform, Self::Hot];

    /// The name of its column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zipf => "zipf",
            Self::Uniform => "uniform",
            Self::Hot => "hot",
        }
    }

    /// `count` ids, the same for the same `seed`.
    pub(crate) fn ids(self, count: usize, seed: u64) -> Vec<u64> {
        let mut random = Random::new(seed);
        match self {
            Self::Zipf => {
                let cumulative = zipf_weights();
                // Neighbours in popularity are no neighbours in id.
                (0..count)
                    .map(|_| {
                        let draw = unit(&mut random) * cumulative[cumulative.len() - 1];
                        let rank = cumulative.partition_point(|&weight| weight < draw);
                        (rank as u64 * 7_919) % KEYS
                    })
                    .collect()
            }
            Self::Uniform => (0..count).map(|_| random.bits() % KEYS).collect(),
            Self::Hot => vec![4_711; count],
        }
    }
}

/// The sum of the weights of the keys up to each rank.
fn zipf_weights() -> Vec<f64> {
    let mut sum = 0.0;
    (1..=u32::try_from(KEYS).expect("few keys"))
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect()
}

/// A number from 0 to 1, 1 excluded.
fn unit(random: &mut Random) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let draw = (random.bits() >> 11) as f64;
    draw / 2_f64.powi(53)
}
