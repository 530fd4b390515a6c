//! How long the machine keeps threads waiting, by which the bounds of times are widened.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const MOMENT: Duration = Duration::from_millis(2);

/// A thread that sleeps for moments, then asks another for a sign of life, and notes how late it
/// has it: what the machine does to everybody who waits for a server. It ends when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Watch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    stall: Mutex<Duration>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let watch = Self::default();
        let shared = Arc::clone(&watch.0);
        let (mut asks, mut answers) = UnixStream::pair().expect("a pair of sockets");
        thread::spawn(move || {
            let mut byte = [0];
            while answers.read_exact(&mut byte).is_ok() && answers.write_all(&byte).is_ok() {}
        });
        thread::spawn(move || {
            let mut byte = [0];
            while !shared.over.load(Ordering::Relaxed) {
                let began = Instant::now();
                thread::sleep(MOMENT);
                let asked = asks
                    .write_all(&byte)
                    .and_then(|()| asks.read_exact(&mut byte));
                asked.expect("the other thread lives as long as its socket");
                let late = began.elapsed().saturating_sub(MOMENT);
                let mut stall = lock(&shared.stall);
                *stall = late.max(*stall);
            }
        });
        watch
    }

    /// The longest time that both have waited for a processor so far.
    pub(crate) fn stall(&self) -> Duration {
        *lock(&self.0.stall)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
