//! How long things live and wait: every default, once, as a documented constant.

use std::time::Duration;

use crate::rng::Dice;

/// How long a value lives when nothing else is said.
pub const DEFAULT_TTL: Duration = Duration::from_secs(300);
/// The shortest time that anything is kept: the resolution of the clock and of the stores.
pub const MIN_TTL: Duration = Duration::from_millis(1);
/// The longest: a hundred years, which every store can add to the present time.
pub const MAX_TTL: Duration = Duration::from_secs(36_500 * 86_400);
/// How far a loaded value's ttl may vary, as a part of it, so that values loaded together do not
/// expire together: a ttl of 100 s becomes 90 s to 110 s.
pub const DEFAULT_JITTER: f64 = 0.1;
/// How long a caller waits for another's load of the same key, before it loads for itself
/// without the right to store.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// How much later than by its own time a call may return because the far tier is in trouble.
pub const DEFAULT_OUTAGE_BUDGET: Duration = Duration::from_millis(50);
/// How long a value from a shared store stays in the near tier while the feed lives.
pub const NEAR_CAP: Duration = Duration::from_secs(300);
/// How long it stays there while no feed tells of other processes' invalidations.
pub const NEAR_CAP_UNFED: Duration = Duration::from_secs(5);
/// How long after the sending of the last answered heartbeat the feed counts as alive.
pub const FEED_LEASE: Duration = Duration::from_secs(2);
/// How long the right to store one key lives in the far tier: longer than all but the longest
/// loads, because a load that outlives it is not stored.
pub const LEASE_TTL: Duration = Duration::from_secs(30);
/// How long a far invalidation may take before it is reported as failed and retried. One that
/// an annotated function causes has only the outage budget.
pub const INVALIDATE_DEADLINE: Duration = Duration::from_millis(250);
/// The most groups that a key may belong to: its proper prefixes, its tags and the namespace.
pub const MAX_GROUPS: usize = 16;
/// The largest entry, in bytes as written (so compressed, if it is), that goes to a far tier.
pub const MAX_FAR_VALUE: usize = 1 << 20;
/// The shortest value, in bytes as encoded, that a cache which compresses tries to compress: on
/// less, little is saved that the overhead of an entry does not dwarf.
pub const COMPRESS_FROM: usize = 1 << 10;
/// The most keys of a batch that one command reads from a far tier, so that a large batch does
/// not hold up the server for others; the rest follows in further commands.
pub const FAR_BATCH: usize = 512;
/// A stamp outlives the entries under it by this factor, so that an entry dies first.
pub(crate) const STAMP_LIVES: u32 = 2;

/// How long the values of one function live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a value lives; `None` for the cache's own default.
    pub ttl: Option<Duration>,
    /// How long the knowledge of an absence lives; `None` if it is not kept.
    pub none_ttl: Option<Duration>,
    /// How long an error is remembered in this process; `None` if it is not.
    pub err_ttl: Option<Duration>,
    /// How far these vary, in hundredths of a percent; `None` for as far as the cache says.
    pub jitter: Option<u16>,
}

impl Policy {
    /// How far a ttl varies, as a part of it, where the cache says `otherwise`.
    pub(crate) fn jitter(&self, otherwise: f64) -> f64 {
        self.jitter
            .map_or(otherwise, |hundredths| f64::from(hundredths) / 10_000.0)
    }
}

/// `ttl` varied by up to `jitter` of it in either direction, never under a millisecond.
///
/// `draw` is a uniform random number, `0.0 <= draw < 1.0`.
pub(crate) fn vary(ttl: Duration, jitter: f64, dice: &Dice) -> Duration {
    if jitter == 0.0 {
        return ttl;
    }
    let factor = 1.0 + jitter * (2.0 * dice.unit() - 1.0);
    // A ttl that is too long to be varied is as good as any that is near it.
    let varied = Duration::try_from_secs_f64(ttl.as_secs_f64() * factor).unwrap_or(ttl);
    varied.max(MIN_TTL)
}
