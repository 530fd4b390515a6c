//! The cases of one process, its functions and its two tiers.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use larder::{Cache, Moka, cached, deferred, invalidate_cache};
use test_support::RedisServer;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    driver::{Far, NEVER, Watch, build, until},
    suite::{Case, Row, Times},
};

pub(crate) use writer::was_a_writer;

mod writer;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            42,
            "the writer killed before it invalidates, strict",
            "never the old value",
            || writer::killed(true),
        ),
        case(42, "the same without strict", "found stale", || {
            writer::killed(false)
        }),
        case(
            43,
            "written in a transaction that commits late, or not",
            "told after COMMIT",
            transaction,
        ),
        case(
            44,
            "the source is slower than the lease",
            "refused, all values right",
            outlived,
        ),
        case(
            50,
            "invalidated during a load, far tier only",
            "nobody joins it",
            || overtaken(false),
        ),
        case(
            50,
            "invalidated during a load, both tiers",
            "nobody joins it",
            || overtaken(true),
        ),
    ]
}

fn case<F: Future<Output = Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, "process", fault, promise, run)
}

/// One versioned row behind a gate that lets loads through.
#[derive(Debug)]
struct Source {
    version: AtomicU64,
    loads: AtomicU64,
    begun: Semaphore,
    gate: Semaphore,
}

impl Source {
    fn with_gate(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            version: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            begun: Semaphore::new(0),
            gate: Semaphore::new(permits),
        })
    }

    async fn load(&self) -> u64 {
        self.loads.fetch_add(1, SeqCst);
        let version = self.version.load(SeqCst);
        self.begun.add_permits(1);
        self.gate.acquire().await.expect("never closed").forget();
        version
    }

    /// Waits until one more load has read its version.
    async fn begun(&self) {
        let begun = timeout(NEVER, self.begun.acquire()).await;
        begun.expect("it loads").expect("never closed").forget();
    }

    fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

#[cached(ttl = 60, key = "accounts:<id>", cache = cache, skip(cache, source))]
async fn account(cache: Cache, source: Arc<Source>, id: u64) -> Result<u64, Infallible> {
    Ok(source.load().await)
}

/// A part of a transaction.
#[invalidate_cache(keys = ["accounts:<id>"], cache = cache)]
async fn debit(cache: &Cache, id: u64) -> Result<(), Infallible> {
    Ok(())
}

/// What others read before the commit is the old row, and stays in the cache; the commit makes it
/// invalid, its end without one does not.
async fn transaction() -> Row {
    let server = RedisServer::start(&[]);
    let far = Far::Redis(server.url());
    let [writer, reader] = [(); 2].map(|()| build(far.patient()));
    let source = Source::with_gate(Semaphore::MAX_PERMITS);
    let (read, mut row) = (
        || account(reader.clone(), source.clone(), 7),
        Row::default(),
    );
    let mut stale = 0;
    for commits in [true, false] {
        let (before, old) = (source.loads(), source.version.load(SeqCst));
        let (written, held) = deferred(debit(&writer, 7)).await;
        assert_eq!(written, Ok(()));
        let during = [read().await, read().await];
        if commits {
            source.version.fetch_add(1, SeqCst);
            held.run().await;
        } else {
            held.discard();
        }
        let (after, loads) = (read().await, source.loads() - before);
        row.calls += 4;
        stale += usize::from(after != Ok(old + u64::from(commits)));
        row.must(during == [Ok(old), Ok(old)], || {
            format!("before the end, committed {commits}: {during:?}")
        });
        // One load before the commit, one after it; then its value stays.
        let expected = if commits { 2 } else { 0 };
        row.must(loads == expected, || {
            format!("committed {commits}: {loads} loads")
        });
    }
    row.must(stale == 0, || "the commit is not told".to_owned());
    row.stale = Some(stale);
    row
}

/// The server's clock runs out on a lease while its load goes on.
async fn outlived() -> Row {
    let server = RedisServer::start(&[]);
    let cache = build(Far::Redis(server.url()).patient());
    let (source, mut row) = (Source::with_gate(0), Row::default());
    let callers = || -> Vec<_> {
        (0..10)
            .map(|_| tokio::spawn(account(cache.clone(), source.clone(), 7)))
            .collect()
    };
    let waiting = callers();
    source.begun().await;
    let shortened = server.raw(&["PEXPIRE", "larder:e:accounts:7", "1"]);
    assert_eq!(shortened.int(), Some(1), "there is a lease");
    let gone = until(|| server.raw(&["EXISTS", "larder:e:accounts:7"]).int() == Some(0)).await;
    assert!(gone.is_some(), "it runs out");
    source.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    for caller in waiting {
        let read = timeout(NEVER, caller).await;
        row.calls += 1;
        row.must(matches!(read, Ok(Ok(Ok(1)))), || format!("{read:?}"));
    }
    let refused = until(|| cache.stats().total.stores_refused > 0).await;
    row.must(refused.is_some(), || "the store is not refused".to_owned());
    let loads = source.loads();
    // Who came after the load had begun may load once more, all together.
    row.must(loads <= 2, || format!("{loads} loads for ten callers"));
    source.version.fetch_add(1, SeqCst);
    let next = account(cache.clone(), source.clone(), 7).await;
    let again = account(cache.clone(), source.clone(), 7).await;
    row.calls += 2;
    row.must(next == again, || format!("{next:?}, then {again:?}"));
    row
}

/// A thousand times: a load begins, the row is written and invalidated by another process, or by
/// this one where there is a near tier, and somebody comes who must not get the load's value.
async fn overtaken(near: bool) -> Row {
    let server = RedisServer::start(&[]);
    let far = Far::Redis(server.url());
    let [reader, other] = [(); 2].map(|()| {
        let builder = far.patient();
        build(if near {
            builder.near(Moka::default())
        } else {
            builder
        })
    });
    let writer = if near { &reader } else { &other };
    let (source, watch) = (Source::with_gate(0), Watch::start());
    let (mut row, mut stale, mut took) = (Row::default(), 0, Vec::new());
    for round in 0..1_000 {
        let read = || tokio::spawn(account(reader.clone(), source.clone(), round));
        let old = read();
        source.begun().await;
        let version = source.version.fetch_add(1, SeqCst) + 1;
        let removed = writer.remove(&format!("accounts:{round}")).await;
        let told = Instant::now();
        let new = read();
        source.gate.add_permits(2);
        let (old, new) = tokio::join!(timeout(NEVER, old), timeout(NEVER, new));
        took.push(told.elapsed());
        row.calls += 3;
        row.must(removed.is_ok(), || format!("{removed:?}"));
        row.must(matches!(old, Ok(Ok(Ok(_)))), || format!("{old:?}"));
        let fresh = matches!(new, Ok(Ok(Ok(new))) if new == version);
        stale += usize::from(!fresh);
        // A caller that did not load leaves its permit, and what begun says of it.
        source.gate.forget_permits(source.gate.available_permits());
        source
            .begun
            .forget_permits(source.begun.available_permits());
    }
    row.must(stale == 0, || {
        format!("{stale} callers got the older value")
    });
    (row.stale, row.added, row.stall) = (Some(stale), Times::of(took), watch.stall());
    row
}
