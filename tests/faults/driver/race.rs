//! Readers and writers on few keys while something is broken, all they saw recorded and checked.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use larder::{Cache, Moka, policy::DEFAULT_OUTAGE_BUDGET};
use test_support::{Failure, Mix, Report, Run, Subject};
use tokio::time::sleep;

use super::{Far, SLACK, Watch, far::build, functions::version, millis, until};
use crate::suite::{Row, Times};

/// What is said when [`Race::repeated`] waits in vain.
pub(crate) const NOT_REPEATED: &str = "what was not confirmed is not repeated until it is";
/// How long it may take until a connection that was closed is replaced and used.
const GAP: Duration = millis(200);
/// How long most races last.
pub(crate) const RACE: Duration = Duration::from_secs(5);

/// Caches that share a far tier, used in turn, or another subject in their place.
#[derive(Debug)]
pub(crate) struct Race<S = Larder> {
    subject: S,
    /// How much later than by their own time reads returned.
    added: Mutex<Vec<Duration>>,
}

/// Several caches as if in several processes.
#[derive(Debug)]
pub(crate) struct Larder {
    pub(crate) caches: Vec<Cache>,
    next: AtomicUsize,
}

impl Race {
    /// As four processes without near tiers: what one invalidates, all must believe at once.
    /// They are patient, so that nothing but the fault is an error.
    pub(crate) fn far_only(far: &Far) -> Arc<Self> {
        Self::of((0..4).map(|_| build(far.patient())))
    }

    /// The same as users have them.
    pub(crate) fn hasty(far: &Far) -> Arc<Self> {
        Self::of((0..4).map(|_| build(far.hasty())))
    }

    /// One patient process with both tiers.
    pub(crate) fn both(far: &Far) -> Arc<Self> {
        Self::of([build(far.patient().near(Moka::default()))])
    }

    pub(crate) fn of(caches: impl IntoIterator<Item = Cache>) -> Arc<Self> {
        Race::with(Larder {
            caches: caches.into_iter().collect(),
            next: AtomicUsize::new(0),
        })
    }

    pub(crate) fn caches(&self) -> &[Cache] {
        &self.subject.caches
    }

    pub(crate) fn sum(&self, of: impl Fn(&larder::CallStats) -> u64) -> u64 {
        let all = self.caches().iter();
        all.map(|cache| of(&cache.stats().total)).sum()
    }

    /// Lets all run while `fault` breaks things, and promises that hits come all the time. The
    /// longest time without one is what `back` of the row says.
    pub(crate) async fn run_without_gaps(
        self: &Arc<Self>,
        lasting: Duration,
        fault: impl Future,
    ) -> Row {
        let hits = || self.sum(|stats| stats.far_hits);
        let (mut gaps, mut last, mut since) = (Vec::new(), 0, None::<Instant>);
        let watch = async {
            loop {
                if hits() > last {
                    gaps.extend(since.map(|since| since.elapsed()));
                    (last, since) = (hits(), Some(Instant::now()));
                }
                sleep(millis(2)).await;
            }
        };
        let raced = self
            .run(lasting, async { tokio::join!(fault, watch) })
            .await;
        // Also that from the last hit to the end.
        gaps.extend(since.map(|since| since.elapsed()));
        let mut row = raced.fresh();
        row.back = gaps.iter().max().copied();
        let errors = self.sum(|stats| stats.far_errors);
        row.must(errors > 0, || "nothing was hit".to_owned());
        let bound = GAP + 2 * row.stall;
        let long: Vec<_> = gaps.into_iter().filter(|gap| *gap > bound).collect();
        // A busy machine may stand still now and then by itself.
        let rare = long.len() <= 5 && long.iter().sum::<Duration>() < lasting * 3 / 4;
        row.must(rare, || format!("no hits for {long:?}"));
        row
    }

    /// How long it takes until every invalidation that was not confirmed has been.
    pub(crate) async fn repeated(&self) -> Option<Duration> {
        let stats = || self.caches().iter().map(Cache::stats);
        until(|| stats().all(|stats| stats.retries == 0)).await
    }
}

impl<S: Subject> Race<S> {
    pub(crate) fn with(subject: S) -> Arc<Self> {
        let added = Mutex::default();
        Arc::new(Self { subject, added })
    }

    /// Lets all run while `fault` breaks things.
    pub(crate) async fn run(self: &Arc<Self>, lasting: Duration, fault: impl Future) -> Raced {
        self.run_writing(millis(20), lasting, fault).await
    }

    /// The same where each writer pauses for up to `pause` after an invalidation.
    pub(crate) async fn run_writing(
        self: &Arc<Self>,
        pause: Duration,
        lasting: Duration,
        fault: impl Future,
    ) -> Raced {
        let watch = Watch::start();
        let mix = Mix {
            // Enough to meet every invalidation, and leaves the processors to other cases.
            rest: millis(2),
            pause,
            ..Mix::lasting(lasting)
        };
        let run = tokio::select! {
            run = mix.run(Arc::clone(self)) => run,
            () = async { fault.await; pending().await } => unreachable!("it is pending"),
        };
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        Raced {
            report: run.check(),
            added: Times::of(added.iter().copied()),
            stall: watch.stall(),
            run,
        }
    }
}

impl<S: Subject> Subject for Race<S> {
    /// Times the read. What it waits for its own load is its own time; what it waits for
    /// another's load is not.
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        let loading = Arc::new(Mutex::new(Duration::ZERO));
        let told = Arc::clone(&loading);
        let load = async move {
            let began = Instant::now();
            let version = load.await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = began.elapsed();
            version
        };
        let began = Instant::now();
        let version = self.subject.read(at, load).await;
        let took = began.elapsed();
        let own = *loading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.push(took.saturating_sub(own));
        version
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        self.subject.invalidate_key(at).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        self.subject.invalidate_prefix().await
    }
}

impl Larder {
    fn cache(&self) -> &Cache {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.caches[next % self.caches.len()]
    }
}

impl Subject for Larder {
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        match version(self.cache(), at, load).await {
            Ok(version) => version,
        }
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        Ok(self.cache().remove(&format!("rows:{at}")).await?)
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        Ok(self.cache().remove_prefix("rows").await?)
    }
}

/// A race that is over.
#[derive(Debug)]
pub(crate) struct Raced {
    pub(crate) run: Run,
    pub(crate) report: Report,
    added: Times,
    stall: Duration,
}

impl Raced {
    /// A row without promises.
    pub(crate) fn row(&self) -> Row {
        Row {
            calls: usize::try_from(self.report.reads).unwrap_or(usize::MAX)
                + self.run.log.invalidations.len(),
            unconfirmed: Some(self.run.failed),
            added: self.added.clone(),
            stale: Some(self.report.stale),
            stall: self.stall,
            ..Row::default()
        }
    }

    /// A row that promises that no read was stale.
    pub(crate) fn fresh(&self) -> Row {
        let mut row = self.row();
        let report = &self.report;
        row.must(report.stale == 0, || report.to_string());
        row.must(report.hits > 0 && report.invalidations > 0, || {
            format!("without hits and invalidations it proves nothing: {report}")
        });
        row
    }

    /// Promises that hardly a read was later than by the outage budget, a pause that the
    /// machine made of itself apart.
    pub(crate) fn in_time(&self, row: &mut Row) {
        let (p99, stall) = (self.added.part(0.99), self.stall);
        let bound = DEFAULT_OUTAGE_BUDGET + SLACK + 2 * stall;
        row.must(p99 <= bound, || {
            format!("reads returned {p99:?} late at p99, on a machine that stalls for {stall:?}")
        });
    }

    /// A row of what must be found stale.
    pub(crate) fn found(&self) -> Row {
        let mut row = self.row();
        let report = &self.report;
        row.must(report.stale > 0, || {
            format!("the checker is blind: {report}")
        });
        row
    }

    /// Promises that every invalidation was confirmed.
    pub(crate) fn confirmed(&self, row: &mut Row) {
        let (failed, first) = (self.run.failed, &self.run.failure);
        row.must(failed == 0, || {
            format!("{failed} invalidations failed: {first:?}")
        });
    }
}
