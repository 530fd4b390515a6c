//! How late the machine lets threads run, which no bound of ours can be blamed for.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Microseconds by which a thread that sleeps for moments has been woken late: in all, and at most.
static LATE: AtomicU64 = AtomicU64::new(0);
static LATEST: AtomicU64 = AtomicU64::new(0);

static WATCH: LazyLock<()> = LazyLock::new(|| {
    thread::spawn(|| {
        let moment = Duration::from_millis(2);
        loop {
            let began = Instant::now();
            thread::sleep(moment);
            let late = began.elapsed().saturating_sub(moment).as_micros();
            let late = u64::try_from(late).unwrap_or(u64::MAX);
            LATE.fetch_add(late, Ordering::Relaxed);
            LATEST.fetch_max(late, Ordering::Relaxed);
        }
    });
});

/// How much time the machine has taken away so far, since this was first asked.
pub(crate) fn lost() -> Duration {
    LazyLock::force(&WATCH);
    Duration::from_micros(LATE.load(Ordering::Relaxed))
}

/// The longest time for which it has let a thread wait.
pub(crate) fn stall() -> Duration {
    LazyLock::force(&WATCH);
    Duration::from_micros(LATEST.load(Ordering::Relaxed))
}
