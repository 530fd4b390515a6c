//! The load under which a cache has to keep its promises: readers and writers on few keys.

use std::{
    error::Error,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinSet, yield_now},
    time::{sleep, timeout},
};

use crate::{
    check::{Report, check},
    random::Random,
    recorder::{Log, Recorder, Source, Tape},
};

/// How much longer than its duration a mix may take before a call counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an invalidation failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A cache under test, with the keys 0, 1, … and one prefix that covers them all.
pub trait Subject: Send + Sync + 'static {
    /// Returns the version of `key`, from the cache, or else from `load`.
    fn read(
        &self,
        key: usize,
        load: impl Future<Output = u64> + Send + 'static,
    ) -> impl Future<Output = u64> + Send;

    /// Invalidates one key. `Ok` is a promise; an error means that it may or may not have
    /// happened.
    fn invalidate_key(&self, key: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Invalidates all keys by their prefix, as [`invalidate_key`](Self::invalidate_key).
    fn invalidate_prefix(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A load of readers and writers for a bounded time. The defaults are 8 readers, one writer that
/// invalidates by key, one that does by prefix, 3 keys, loads of up to 2.5 ms, for 10 s.
#[derive(Debug, Clone)]
pub struct Mix {
    /// How many tasks read.
    pub readers: usize,
    /// How many tasks commit a version of a key and then invalidate that key.
    pub key_writers: usize,
    /// How many tasks commit a version of a key and then invalidate the prefix.
    pub prefix_writers: usize,
    /// How many keys there are.
    pub keys: usize,
    /// The longest time of a load. A load reads its version first and returns it after a random
    /// part of this time, which the timer rounds up to whole milliseconds.
    pub load: Duration,
    /// The longest pause of a reader after a read, of which a random part is taken; zero for
    /// none, which takes all of a processor.
    pub rest: Duration,
    /// The longest pause of a writer after an invalidation, of which a random part is taken.
    pub pause: Duration,
    /// For how long calls are started.
    pub duration: Duration,
    /// Where the randomness comes from. The interleaving of the tasks is not repeated by it.
    pub seed: u64,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            readers: 8,
            key_writers: 1,
            prefix_writers: 1,
            keys: 3,
            load: Duration::from_micros(2_500),
            rest: Duration::ZERO,
            pause: Duration::from_millis(5),
            duration: Duration::from_secs(10),
            seed: 1,
        }
    }
}

/// What a mix has done.
#[derive(Debug)]
pub struct Run {
    /// Its reads and invalidations.
    pub log: Log,
    /// How many loads were started.
    pub loads: u64,
    /// How many invalidations failed.
    pub failed: usize,
    /// The text of the first of these failures.
    pub failure: Option<String>,
}

impl Run {
    /// Looks for stale reads.
    pub fn check(&self) -> Report {
        check(&self.log)
    }
}

impl Mix {
    /// The default mix for another duration.
    pub fn lasting(duration: Duration) -> Self {
        Self {
            duration,
            ..Self::default()
        }
    }

    /// Drives `subject`. It needs a runtime of several threads, or there are no races to find:
    /// `#[tokio::test(flavor = "multi_thread", worker_threads = 2)]`.
    ///
    /// # Panics
    ///
    /// If a call panics, or does not return within 30 s of the end.
    pub async fn run<S: Subject>(&self, subject: Arc<S>) -> Run {
        let stage = Arc::new(Stage {
            mix: self.clone(),
            subject,
            source: Arc::new(Source::new(self.keys)),
            loads: Arc::default(),
            until: Instant::now() + self.duration,
        });
        let recorder = Recorder::new();
        let mut seeds = Random::new(self.seed);
        let mut tasks = JoinSet::new();
        for _ in 0..self.readers {
            let (stage, tape) = (Arc::clone(&stage), recorder.tape());
            let random = Random::new(seeds.bits());
            tasks.spawn(async move { stage.reader(tape, random).await });
        }
        for (writers, prefix) in [(self.key_writers, false), (self.prefix_writers, true)] {
            for _ in 0..writers {
                let (stage, tape) = (Arc::clone(&stage), recorder.tape());
                let random = Random::new(seeds.bits());
                tasks.spawn(async move { stage.writer(tape, random, prefix).await });
            }
        }
        let ended = timeout(self.duration + PATIENCE, tasks.join_all()).await;
        let failures = ended.expect("every call returns").into_iter().flatten();
        let log = recorder.take();
        Run {
            failed: log
                .invalidations
                .iter()
                .filter(|one| one.end.is_none())
                .count(),
            failure: failures.map(|failure| failure.to_string()).next(),
            loads: stage.loads.load(Relaxed),
            log,
        }
    }
}

/// What the tasks of one run share.
struct Stage<S> {
    mix: Mix,
    subject: Arc<S>,
    source: Arc<Source>,
    loads: Arc<AtomicU64>,
    until: Instant,
}

impl<S: Subject> Stage<S> {
    async fn reader(&self, mut tape: Tape, mut random: Random) -> Option<Failure> {
        while Instant::now() < self.until {
            let key = random.below(self.mix.keys);
            let loaded = Arc::new(AtomicBool::new(false));
            let load = self.load(key, random.up_to(self.mix.load), Arc::clone(&loaded));
            let call = tape.begin();
            let version = self.subject.read(key, load).await;
            tape.read(call, key, version, !loaded.load(Relaxed));
            if self.mix.rest.is_zero() {
                // A cache that answers without waiting would keep its thread from the others.
                yield_now().await;
            } else {
                sleep(random.up_to(self.mix.rest)).await;
            }
        }
        None
    }

    /// The user's function behind the cache: it reads, and then takes its time.
    fn load(
        &self,
        key: usize,
        time: Duration,
        loaded: Arc<AtomicBool>,
    ) -> impl Future<Output = u64> + Send + 'static {
        let (source, loads) = (Arc::clone(&self.source), Arc::clone(&self.loads));
        async move {
            loaded.store(true, Relaxed);
            loads.fetch_add(1, Relaxed);
            let version = source.version(key);
            sleep(time).await;
            version
        }
    }

    /// Commits and invalidates in turns; returns its first failure.
    async fn writer(&self, mut tape: Tape, mut random: Random, prefix: bool) -> Option<Failure> {
        let mut failure = None;
        while Instant::now() < self.until {
            let key = random.below(self.mix.keys);
            self.source.commit(key);
            let scope = if prefix {
                0..self.mix.keys
            } else {
                key..key + 1
            };
            let floors = self.source.versions(scope);
            let call = tape.begin();
            let done = if prefix {
                self.subject.invalidate_prefix().await
            } else {
                self.subject.invalidate_key(key).await
            };
            tape.invalidated(call, floors, done.is_ok());
            failure = failure.or(done.err());
            sleep(random.up_to(self.mix.pause)).await;
        }
        failure
    }
}
