//! Where randomness comes from. Randomness is a parameter, so that tests choose it.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The dice of a cache: the machine's, or a seeded row that repeats.
#[derive(Debug, Clone, Default)]
pub struct Dice(Option<Arc<Row>>);

#[derive(Debug)]
struct Row {
    seed: u64,
    next: AtomicU64,
}

impl Dice {
    /// Dice that give the same row for the same seed. For tests: two processes with one seed
    /// would draw the same nonces.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Row {
            seed,
            next: AtomicU64::new(0),
        })))
    }

    /// 64 random bits. From the machine they are `SipHash` of a counter under a key that the
    /// operating system drew, so they do not repeat between processes.
    pub(crate) fn draw(&self) -> u64 {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        match &self.0 {
            None => KEY
                .get_or_init(RandomState::new)
                .hash_one(COUNT.fetch_add(1, Ordering::Relaxed)),
            Some(row) => mix(row.seed ^ mix(row.next.fetch_add(1, Ordering::Relaxed))),
        }
    }

    /// A uniform number, `0.0 <= x < 1.0`.
    pub(crate) fn unit(&self) -> f64 {
        let bits = u32::try_from(self.draw() >> 32).expect("32 bits");
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
