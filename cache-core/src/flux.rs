//! Far invalidations that failed: they are tried again until they succeed, and meanwhile what
//! they name is not to be believed in this process.

use std::{
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

use crate::{
    error::{Error, ErrorKind, Result},
    event,
    far::{Far, unanswered},
    feed,
    sync::{Arc, Mutex, Weak, keeps_time, lock},
};

/// More names than this become one: the whole namespace.
const MOST: usize = 1024;
/// A try may take this long, or the outage budget if that is longer. A store should have given up
/// by itself; one that never does must not hold up all that is late for good.
const PATIENCE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Between two tries, at most: what is late may stay late for so long after the server is back.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What waits to be invalidated in the far tier, by name; at most 1,024 names.
#[derive(Debug, Default)]
pub(crate) struct Flux {
    waiting: Mutex<Waiting>,
    /// Whether `waiting` holds anything: what a call looks at first.
    some: AtomicBool,
    /// The runtime that last used the far tier, for threads that have none of their own.
    home: Mutex<Option<Handle>>,
}

#[derive(Default)]
struct Waiting {
    names: HashMap<String, Name>,
    next: u64,
    /// Whether somebody retries. Beside the names, so that none is added between the last look at
    /// them and the end of who looked.
    retrying: bool,
}

#[derive(Clone, Copy)]
struct Name {
    kind: Kind,
    /// Tells whether the name was invalidated again while it was being retried.
    round: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slot,
    Stamp,
}

/// How many names, not which: they are keys, which a `Debug` of the cache has no business to tell.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("names", &self.names.len())
            .field("retrying", &self.retrying)
            .finish_non_exhaustive()
    }
}

impl Flux {
    /// Whether any of these names waits.
    pub(crate) fn holds(&self, names: &[&str]) -> bool {
        if !self.some.load(Ordering::Acquire) {
            return false;
        }
        let waiting = lock(&self.waiting);
        names.iter().any(|name| waiting.names.contains_key(*name))
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.waiting).names.len()
    }

    /// Adds names; if there are too many, the stamp of the whole namespace, `all`, replaces them.
    pub(crate) fn add(&self, slots: Vec<String>, stamps: Vec<String>, all: &str) {
        let mut waiting = lock(&self.waiting);
        for slot in slots {
            waiting.add(slot, Kind::Slot);
        }
        for stamp in stamps {
            waiting.add(stamp, Kind::Stamp);
        }
        if waiting.names.len() > MOST {
            waiting.names.clear();
            waiting.add(all.to_owned(), Kind::Stamp);
        }
        self.some.store(true, Ordering::Release);
    }

    /// Starts to retry in the background, unless somebody does.
    pub(crate) fn kick(&self, far: &Arc<Far>) {
        let here = Handle::try_current().ok().filter(|_| keeps_time());
        let Some(runtime) = here.or_else(|| self.home()) else {
            return;
        };
        if self.begin() {
            let retrying = Retrying {
                far: Arc::downgrade(far),
                ended: false,
            };
            runtime.spawn(async move { retrying.run().await });
        }
    }

    /// Remembers the present runtime, if there is one that keeps time, for those who come without.
    pub(crate) fn settle(&self) {
        if let Some(here) = Handle::try_current().ok().filter(|_| keeps_time()) {
            *lock(&self.home) = Some(here);
        }
    }

    /// The runtime that was remembered last.
    pub(crate) fn home(&self) -> Option<Handle> {
        lock(&self.home).clone()
    }

    /// Whether there is something to retry and nobody does; from then on somebody does.
    fn begin(&self) -> bool {
        let mut waiting = lock(&self.waiting);
        let begin = !waiting.retrying && !waiting.names.is_empty();
        waiting.retrying |= begin;
        begin
    }

    fn snapshot(&self) -> Vec<(String, Name)> {
        lock(&self.waiting)
            .names
            .iter()
            .map(|(name, how)| (name.clone(), *how))
            .collect()
    }

    /// Forgets what was invalidated and not named again since; `true` if nothing is left, and
    /// nobody retries from then on.
    fn done(&self, names: &[(String, Name)]) -> bool {
        let mut waiting = lock(&self.waiting);
        for (name, how) in names {
            if waiting
                .names
                .get(name)
                .is_some_and(|now| now.round == how.round)
            {
                waiting.names.remove(name);
            }
        }
        let empty = waiting.names.is_empty();
        waiting.retrying = !empty;
        self.some.store(!empty, Ordering::Release);
        empty
    }
}

impl Waiting {
    fn add(&mut self, name: String, kind: Kind) {
        self.next += 1;
        let round = self.next;
        self.names.insert(name, Name { kind, round });
    }
}

/// The one task that retries. Dropped with its runtime, it makes room for another.
struct Retrying {
    far: Weak<Far>,
    /// All is told, so that another may retry by now.
    ended: bool,
}

impl Retrying {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(far) = self.far.upgrade() else {
                return;
            };
            let names = far.flux.snapshot();
            let began = Instant::now();
            let told = limited(&far, tell(&far, &names, &feed::everything())).await;
            // What took longer than callers wait is no sign for them that the far tier is back.
            if told.is_err() || began.elapsed() <= far.outage_budget {
                // A store that refuses, for one of its servers perhaps, is there all the same.
                let away = |error: &Error| error.kind() == ErrorKind::Unavailable;
                far.heard(!told.as_ref().is_err_and(away));
            }
            let done = match told {
                Ok(()) => names.clone(),
                Err(error) if error.kind() == ErrorKind::Rejected => one_by_one(&far, &names).await,
                Err(_) => Vec::new(),
            };
            if far.flux.done(&done) {
                self.ended = true;
                event::retried(far.names.as_str(), names.len());
                return;
            }
            drop(far);
            if done.len() == names.len() {
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

/// Invalidates these names.
async fn tell(far: &Far, names: &[(String, Name)], notice: &[u8]) -> Result<()> {
    let of = |kind| {
        let of_kind = names.iter().filter(move |(_, how)| how.kind == kind);
        of_kind.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    far.tell(&of(Kind::Slot), &of(Kind::Stamp), notice).await
}

/// Those of these names that could be invalidated: what was refused for one of them, whose server
/// is away, is not refused for the others. Near tiers elsewhere are told when that is done, and
/// not more finely than of everything: the names are the store's own.
async fn one_by_one(far: &Far, names: &[(String, Name)]) -> Vec<(String, Name)> {
    let mut done = Vec::new();
    for name in names.chunks(1) {
        if limited(far, tell(far, name, &[])).await.is_ok() {
            done.extend_from_slice(name);
        }
    }
    if !done.is_empty()
        && limited(far, tell(far, &[], &feed::everything()))
            .await
            .is_err()
    {
        done.clear();
    }
    done
}

/// The outcome of `telling`, for which a store that never answers is not waited for ever.
async fn limited(far: &Far, telling: impl Future<Output = Result<()>>) -> Result<()> {
    let told = timeout(PATIENCE.max(far.outage_budget), telling).await;
    told.unwrap_or_else(|_| Err(unanswered()))
}

impl Drop for Retrying {
    fn drop(&mut self) {
        if let Some(far) = self.far.upgrade().filter(|_| !self.ended) {
            lock(&far.flux.waiting).retrying = false;
        }
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Backend, Cache, Invalidate, Prepare, Prepared, Write, testkit::MemoryFar};

    #[test]
    fn too_many_names_become_the_namespace() {
        let flux = Flux::default();
        for at in 0..10_000 {
            flux.add(
                vec![format!("slot {at}")],
                vec![format!("stamp {at}")],
                "all",
            );
            assert!(flux.len() <= MOST, "{} names", flux.len());
            assert!(flux.holds(&["all"]) || flux.holds(&[&format!("slot {at}")]));
        }
        assert!(
            flux.holds(&["all"]),
            "and every place has the namespace's stamp"
        );
    }

    /// A store of several servers, one of which is away.
    #[derive(Debug)]
    struct OneAway(MemoryFar);

    impl Backend for OneAway {
        async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
            self.0.read(names).await
        }
        async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
            self.0.prepare(prepare).await
        }
        async fn store(&self, write: Write<'_>) -> Result<bool> {
            self.0.store(write).await
        }
        async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
            if change.slots.iter().any(|slot| slot.contains("away")) {
                return Err(Error::new(ErrorKind::Rejected, "a server is away"));
            }
            self.0.invalidate(change).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_one_name_is_done_for_the_others() {
        let far = MemoryFar::default();
        let builder = Cache::builder().far(OneAway(far.clone()));
        let cache = builder.build().expect("the settings are in order");
        far.set_reachable(false);
        for key in ["here", "away", "there"] {
            cache.remove(key).await.expect_err("nothing can be reached");
        }
        assert_eq!(cache.stats().retries, 3);
        far.set_reachable(true);
        let mut tries = 0;
        while cache.stats().retries > 1 {
            tokio::time::sleep(LONGEST_PAUSE).await;
            tries += 1;
            assert!(tries < 10, "two of them could have been invalidated");
        }
        tokio::time::sleep(LONGEST_PAUSE).await;
        assert_eq!(cache.stats().retries, 1, "one still waits for its server");
    }

    #[test]
    fn a_name_that_comes_as_the_retry_ends_is_retried() {
        let flux = Flux::default();
        assert!(!flux.begin(), "there is nothing to retry");
        flux.add(vec!["a".into()], Vec::new(), "all");
        assert!(flux.begin());
        assert!(!flux.begin(), "somebody does");
        assert!(flux.done(&flux.snapshot()));
        flux.add(vec!["b".into()], Vec::new(), "all");
        assert!(flux.begin(), "nobody would");
    }

    #[test]
    fn what_is_named_again_while_it_is_retried_stays() {
        let flux = Flux::default();
        flux.add(vec!["a".into(), "b".into()], Vec::new(), "all");
        let retried = flux.snapshot();
        flux.add(vec!["a".into()], Vec::new(), "all");
        assert!(!flux.done(&retried));
        assert!(flux.holds(&["a"]) && !flux.holds(&["b"]));
        assert!(flux.done(&flux.snapshot()));
        assert!(!flux.holds(&["a"]));
    }
}
