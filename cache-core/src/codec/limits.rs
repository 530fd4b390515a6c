//! How much a reader of untrusted bytes may ask for: depth, memory, time.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use super::{MAX_DEPTH, MEMORY};

/// What is left of depth and memory while one value is read.
#[derive(Debug)]
pub(super) struct Limits {
    depth: u16,
    memory: usize,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            depth: MAX_DEPTH,
            memory: MEMORY,
        }
    }

    /// One level deeper; `false` if that is too deep.
    #[inline]
    pub(super) fn down(&mut self) -> bool {
        let left = self.depth.checked_sub(1);
        self.depth = left.unwrap_or(0);
        left.is_some()
    }

    #[inline]
    pub(super) fn up(&mut self) {
        self.depth += 1;
    }

    /// How many elements to make room for at once, when `rest` bytes are left and an element
    /// takes one at least, or no memory. Deep down, where every level may make room in vain, it
    /// is little.
    #[inline]
    pub(super) fn room(&self, rest: usize) -> usize {
        let deep = self.depth < MAX_DEPTH - 16;
        rest.min(if deep { 64 } else { usize::MAX })
    }
}

/// What is taken from the memory at once.
const PORTION: usize = 4096;

/// Memory that was taken and not spent yet. Counting in a local is much faster than in
/// [`Limits`].
#[derive(Debug, Default)]
pub(super) struct Purse(usize);

impl Purse {
    /// What a writer may let elements take, so that a reader with a purse at each level has
    /// enough.
    pub(super) const FOR_WRITERS: usize = MEMORY - MAX_DEPTH as usize * PORTION;

    /// What an element of this size in memory counts for. One without a size counts all the
    /// same, since it takes time.
    #[inline]
    pub(super) const fn cost(size: usize) -> usize {
        if size == 0 { 64 } else { size }
    }

    /// Pays for an element of this size in memory; `false` if that is too much.
    #[inline]
    pub(super) fn pay(&mut self, limits: &mut Limits, size: usize) -> bool {
        let cost = Self::cost(size);
        if self.0 < cost && !self.fill(limits, cost) {
            return false;
        }
        self.0 -= cost;
        true
    }

    #[cold]
    fn fill(&mut self, limits: &mut Limits, cost: usize) -> bool {
        let Some(left) = limits.memory.checked_sub(cost) else {
            return false;
        };
        let more = left.min(PORTION);
        limits.memory = left - more;
        self.0 += cost + more;
        true
    }

    /// Gives back what was not spent.
    #[inline]
    pub(super) fn close(&mut self, limits: &mut Limits) {
        limits.memory += std::mem::take(&mut self.0);
    }
}

/// The reading that is going on in this thread.
#[derive(Clone, Copy)]
struct Clock {
    bytes: u32,
    /// When an attempt failed first; before that nobody looks at the time.
    began: Option<Instant>,
    failed: u64,
}

thread_local! {
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
}

/// Carried by the unwinding that ends a reading that takes too long.
struct TooLong;

impl Clock {
    /// Whether it has gone on for too long. Failures are normal in an untagged enum, a few for
    /// each byte; more than that, only a recursive one makes that tries all combinations of its
    /// variants. With few failures a busy machine is the likelier reason, and it gets more time.
    fn late(&self, elapsed: Duration) -> bool {
        let expected = 1000 + 16 * u64::from(self.bytes);
        let patience = Duration::from_millis(if self.failed > expected { 40 } else { 1000 });
        elapsed > patience + Duration::from_micros(2) * self.bytes
    }
}

/// Runs `read`, which calls [`check_time`] with each failed attempt. `None` if it took too long.
/// Serde goes on after an error inside an untagged enum, so only unwinding ends it; a program
/// that aborts instead goes without this limit.
pub(super) fn in_time<T>(bytes: usize, read: impl FnOnce() -> T) -> Option<T> {
    if cfg!(not(panic = "unwind")) {
        return Some(read());
    }
    let outer = CLOCK.replace(Some(Clock {
        bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        began: None,
        failed: 0,
    }));
    let outcome = catch_unwind(AssertUnwindSafe(read));
    CLOCK.set(outer);
    match outcome {
        Ok(value) => Some(value),
        Err(reason) if (*reason).is::<TooLong>() => None,
        Err(reason) => resume_unwind(reason),
    }
}

/// An attempt failed: ends the reading that is going on if it takes too long.
pub(super) fn check_time() {
    let Some(mut clock) = CLOCK.get() else {
        return;
    };
    let began = *clock.began.get_or_insert_with(Instant::now);
    clock.failed += 1;
    CLOCK.set(Some(clock));
    if clock.late(began.elapsed()) {
        let reason: Box<dyn Any + Send> = Box::new(TooLong);
        resume_unwind(reason);
    }
}
