//! What is written down about a run: which version each read returned, and which version each
//! completed invalidation promised.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// The truth behind a cache: keys 0, 1, …, each with a version that only grows.
#[derive(Debug)]
pub struct Source {
    versions: Box<[AtomicU64]>,
}

impl Source {
    /// A source of `keys` keys, all at version 0.
    pub fn new(keys: usize) -> Self {
        let versions = (0..keys).map(|_| AtomicU64::new(0)).collect();
        Self { versions }
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.versions.len()
    }

    /// The version that is committed now.
    ///
    /// # Panics
    ///
    /// If there is no such key.
    pub fn version(&self, key: usize) -> u64 {
        self.versions[key].load(SeqCst)
    }

    /// Commits the next version of a key and returns it.
    ///
    /// # Panics
    ///
    /// If there is no such key.
    pub fn commit(&self, key: usize) -> u64 {
        self.versions[key].fetch_add(1, SeqCst) + 1
    }

    /// Each of `keys` with its committed version: what an invalidation that starts now promises.
    ///
    /// # Panics
    ///
    /// If there is no such key.
    pub fn versions(&self, keys: impl IntoIterator<Item = usize>) -> Vec<(usize, u64)> {
        keys.into_iter()
            .map(|key| (key, self.version(key)))
            .collect()
    }
}

/// A read, or a run of equal hits of one task; then all but `repeats` and `took` are the last
/// one's, which the checker is strictest with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The key that was read.
    pub key: usize,
    /// The tick at which it started.
    pub start: u64,
    /// When that was.
    pub began: Instant,
    /// The tick at which it returned.
    pub end: u64,
    /// The version it returned.
    pub version: u64,
    /// Whether it returned without running its own load.
    pub hit: bool,
    /// How many reads this entry stands for.
    pub repeats: u64,
    /// The longest time one of them took.
    pub took: Duration,
}

/// One invalidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// The keys it covers, each with the version that was committed before it started.
    pub floors: Vec<(usize, u64)>,
    /// The tick at which it started.
    pub start: u64,
    /// The tick at which it returned; `None` if it failed, so that it promises nothing.
    pub end: Option<u64>,
    /// When it returned, well or not.
    pub done: Instant,
}

/// All that was recorded, in no order: the ticks say what came before what.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The reads.
    pub reads: Vec<Read>,
    /// The invalidations.
    pub invalidations: Vec<Invalidation>,
}

/// Numbers the moments of a run and gathers what its tasks recorded.
///
/// Each task writes on a [`Tape`] of its own, so that recording costs two increments and no lock.
#[derive(Debug, Default)]
pub struct Recorder {
    ticks: AtomicU64,
    log: Mutex<Log>,
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A tape for one task; it is handed in when it is dropped.
    pub fn tape(self: &Arc<Self>) -> Tape {
        let recorder = Arc::clone(self);
        Tape {
            recorder,
            log: Log::default(),
            runs: Vec::new(),
        }
    }

    /// Takes the log of all tapes that were handed in.
    pub fn take(&self) -> Log {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A moment: if one moment is before another in any task's view, its tick is smaller.
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, SeqCst)
    }
}

/// When a read or an invalidation started.
#[derive(Debug, Clone, Copy)]
#[must_use = "a call that is not recorded cannot be checked"]
pub struct Call {
    start: u64,
    at: Instant,
}

/// What one task has recorded so far.
#[derive(Debug)]
pub struct Tape {
    recorder: Arc<Recorder>,
    log: Log,
    /// By key, where the last read of that key stands in the log.
    runs: Vec<Option<usize>>,
}

impl Tape {
    /// Marks the start of a read or an invalidation: to be called right before it.
    pub fn begin(&self) -> Call {
        let at = Instant::now();
        let start = self.recorder.tick();
        Call { start, at }
    }

    /// Records a read that has just returned.
    pub fn read(&mut self, call: Call, key: usize, version: u64, hit: bool) {
        let Call { start, at } = call;
        let end = self.recorder.tick();
        let took = at.elapsed();
        if self.runs.len() <= key {
            self.runs.resize(key + 1, None);
        }
        // Later reads have to meet higher floors. So of a run of equal hits only the last can be
        // the first stale one, and a log of a fast cache stays small.
        if let Some(run) = self.runs[key].map(|index| &mut self.log.reads[index])
            && (run.version, run.hit, hit) == (version, true, true)
        {
            (run.start, run.began, run.end) = (start, at, end);
            run.repeats += 1;
            run.took = run.took.max(took);
            return;
        }
        self.runs[key] = Some(self.log.reads.len());
        self.log.reads.push(Read {
            key,
            start,
            began: at,
            end,
            version,
            hit,
            repeats: 1,
            took,
        });
    }

    /// Records an invalidation that has just returned, well (`completed`) or with an error.
    /// `floors` is [`Source::versions`] of what it covers, taken before it was asked for.
    pub fn invalidated(&mut self, call: Call, floors: Vec<(usize, u64)>, completed: bool) {
        let done = Instant::now();
        let end = self.recorder.tick();
        let end = completed.then_some(end);
        self.log.invalidations.push(Invalidation {
            floors,
            start: call.start,
            end,
            done,
        });
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        let mut log = self
            .recorder
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        log.reads.append(&mut self.log.reads);
        log.invalidations.append(&mut self.log.invalidations);
    }
}
