//! Whether a read goes to a replica: while that is known to be less than a bound behind.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{
    combine::Combine,
    commands,
    lag::{Beat, Lag},
    line::Server,
};
use crate::link::{Link, Post, task::Shift};

/// Between two beats, at least and at most.
const BEATS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// When a beat is first looked for in the replica; after that, each time twice as late.
const LOOK: Duration = Duration::from_millis(1);
/// How long beats live, at least, that nobody writes any more.
const LIFE: Duration = Duration::from_secs(10);
/// Beats are written again after this time, if the runtime of those who wrote them is gone.
const SILENT: Duration = Duration::from_secs(1);

/// The replica that is read instead of its master.
pub(super) struct Replica {
    reads: Arc<Combine>,
    master: Arc<Link<Server>>,
    lag: Arc<Lag>,
    bound: Duration,
    /// How long an answer of the replica is waited for before the master is asked.
    patience: Duration,
    /// When the background last gave a sign of life.
    beaten: AtomicU64,
    post: Arc<Post>,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("bound", &self.bound)
            .field("reads", self.reads.link())
            .finish_non_exhaustive()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.reads.link().close();
    }
}

impl Replica {
    pub(super) fn new(
        reads: Arc<Combine>,
        master: &Arc<Link<Server>>,
        lag: Arc<Lag>,
        bound: Duration,
    ) -> Arc<Self> {
        let patience = reads.link().deadline() / 10;
        Arc::new(Self {
            reads,
            master: Arc::clone(master),
            lag,
            bound,
            patience,
            beaten: AtomicU64::new(0),
            post: Arc::default(),
        })
    }

    pub(super) fn lag(&self) -> &Arc<Lag> {
        &self.lag
    }

    /// Ends the background work, for good.
    pub(super) fn close(&self) {
        self.post.close();
    }

    /// The values of these names, if the replica has them all and is close enough. What it does
    /// not have, the master may have.
    pub(super) async fn read(
        self: &Arc<Self>,
        names: &[&str],
        until: Instant,
    ) -> Option<Vec<Option<Bytes>>> {
        self.keep();
        if !self.lag.is_worth(self.bound) {
            return None;
        }
        let began = self.lag.now();
        let beat = self.lag.name();
        let asked: Vec<&str> = names.iter().copied().chain([&*beat]).collect();
        let until = until.min(Instant::now() + self.patience);
        let pieces = self.reads.read(&asked, until).await.ok()?;
        let values: Result<Vec<_>, _> = pieces.into_iter().collect();
        let mut values = values.ok()?;
        let shown = self.show(values.pop().flatten())?;
        let good =
            self.lag.is_close(shown, began, self.bound) && values.iter().all(Option::is_some);
        good.then_some(values)
    }

    /// Notes the beat that came with an answer.
    fn show(&self, beat: Option<Bytes>) -> Option<Beat> {
        let shown = beat.and_then(|bytes| Some(Beat::from_be_bytes(bytes[..].try_into().ok()?)));
        self.lag.show(shown);
        shown
    }

    /// Sees to it that beats are written.
    fn keep(self: &Arc<Self>) {
        let (last, now) = (self.beaten.load(Relaxed), self.lag.now());
        if last == 0 || Duration::from_micros(now.saturating_sub(last)) > SILENT {
            self.beaten.store(now, Relaxed);
            let me = Arc::downgrade(self);
            self.post.start(|shift| async move {
                // The work keeps nothing alive: it is over when the last read is.
                while let Some(replica) = me.upgrade() {
                    if !replica.beat(&shift).await {
                        return;
                    }
                }
            });
        }
    }

    /// Writes a beat and waits for the replica to show it, or for the next one to be due.
    async fn beat(&self, shift: &Shift) -> bool {
        if !shift.beat() {
            return false;
        }
        let begun = Instant::now();
        let next = begun + (self.bound / 4).clamp(BEATS.0, BEATS.1);
        let (name, sent) = (self.lag.name(), self.lag.now());
        self.beaten.store(sent, Relaxed);
        let life = LIFE.max(10 * self.bound);
        let written = self.master.one(&commands::beat(&name, sent, life)).await;
        if written.is_ok() {
            let mut pause = LOOK;
            while !self.shows(&name, sent, next).await && Instant::now() + pause < next {
                sleep(pause).await;
                pause *= 2;
            }
        }
        sleep_until(begun + BEATS.0).await;
        // A risen floor keeps reads away from the replica until it shows a later beat.
        let _ = timeout_at(next, self.lag.risen.notified()).await;
        true
    }

    async fn shows(&self, name: &str, sent: Beat, until: Instant) -> bool {
        let until = until.max(Instant::now() + self.patience);
        let answer = self.reads.read(&[name], until).await;
        let piece = answer.ok().and_then(|mut pieces| pieces.pop());
        let beat = piece.and_then(|piece| piece.ok().flatten());
        self.show(beat).is_some_and(|shown| shown >= sent)
    }
}
