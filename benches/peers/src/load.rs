//! Which keys are asked for, in which order.

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
        let mut random = Random(seed);
        match self {
            Self::Zipf => {
                let cumulative = zipf_weights();
                // Neighbours in popularity are no neighbours in id.
                (0..count)
                    .map(|_| {
                        let draw = random.unit() * cumulative[cumulative.len() - 1];
                        let rank = cumulative.partition_point(|&weight| weight < draw);
                        (rank as u64 * 7_919) % KEYS
                    })
                    .collect()
            }
            Self::Uniform => (0..count).map(|_| random.next() % KEYS).collect(),
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

/// splitmix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1.
    fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let draw = (self.next() >> 11) as f64;
        draw / (1_u64 << 53) as f64
    }
}
