//! How far a replica may be behind its master, and how that is known: by beats.
//!
//! A beat is a moment of this process's clock. It is written to the master, and read from the
//! replica together with every answer. A replica that shows a beat has all that the master had
//! when that beat was taken, so all that was confirmed before.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// A beat: microseconds since this was made, at least one.
pub(super) type Beat = u64;

/// What is known of the replica that this process reads.
#[derive(Debug)]
pub(super) struct Lag {
    origin: Instant,
    /// The last beat that the replica has shown; zero if it has shown none.
    seen: AtomicU64,
    /// What happened until then the replica has to know: this process was told of it.
    floor: AtomicU64,
    /// The floor has risen.
    pub(super) risen: Notify,
    /// Under which name the beats of this process stand: no other's clock is like this one.
    name: Mutex<Arc<str>>,
    id: u64,
}

impl Lag {
    pub(super) fn new() -> Self {
        let id = RandomState::new().hash_one(std::process::id());
        Self {
            origin: Instant::now(),
            seen: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            risen: Notify::new(),
            name: Mutex::new(format!("larder:beat:{id:x}").into()),
            id,
        }
    }

    /// This moment.
    pub(super) fn now(&self) -> Beat {
        let micros = self.origin.elapsed().as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// What has been confirmed to this process, or what it has been told of, must not be undone
    /// by a replica that has yet to hear of it.
    pub(super) fn raise(&self) {
        self.floor.fetch_max(self.now(), SeqCst);
        self.risen.notify_one();
    }

    /// Notes what beat the replica has shown, if any.
    pub(super) fn show(&self, beat: Option<Beat>) {
        self.seen.store(beat.unwrap_or(0), SeqCst);
    }

    /// Whether an answer that shows this beat is good for a read that began at `began`.
    pub(super) fn is_close(&self, beat: Beat, began: Beat, bound: Duration) -> bool {
        let bound = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        beat > self.floor.load(SeqCst) && beat.saturating_add(bound) > began
    }

    /// Whether the replica is worth asking, by what it has shown last.
    pub(super) fn is_worth(&self, bound: Duration) -> bool {
        let seen = self.seen.load(SeqCst);
        seen > 0 && self.is_close(seen, self.now(), bound)
    }

    /// The last beat that the replica has shown.
    pub(super) fn seen(&self) -> Beat {
        self.seen.load(SeqCst)
    }

    /// Under which name beats are written.
    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.lock())
    }

    /// Writes them under this name from now on, and something that tells this process from others.
    pub(super) fn rename(&self, name: &str) {
        *self.lock() = format!("{name}:beat:{:x}", self.id).into();
    }

    fn lock(&self) -> MutexGuard<'_, Arc<str>> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
