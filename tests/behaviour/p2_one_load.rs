//! P2: one load for each key, whoever comes, goes, fails or panics; and nobody hangs.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use larder::{Cache, cached};
use tokio::time::{Instant, sleep};

use crate::world::{Source, near_cache};

const LOAD: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Default)]
struct Loads(Arc<AtomicU64>);

impl Loads {
    fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Lives on its own: a dropped caller's load can be handed on.
#[cached(key = "owned:<id>", cache = cache, skip(cache, loads))]
async fn owned(cache: Cache, loads: Loads, id: u64) -> u64 {
    loads.add();
    sleep(LOAD / 2).await;
    sleep(LOAD / 2).await;
    id
}

/// Borrows from its caller: the load goes with it.
#[cached(key = "borrowed:<id>", cache = cache, skip(cache, loads))]
async fn borrowed(cache: &Cache, loads: &Loads, id: u64) -> u64 {
    loads.add();
    sleep(LOAD / 2).await;
    sleep(LOAD / 2).await;
    id
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_of_one_cold_key_load_once() {
    let (cache, loads) = (near_cache(), Loads::default());
    let start = Instant::now();
    let callers: Vec<_> = (0..1_000)
        .map(|_| tokio::spawn(owned(cache.clone(), loads.clone(), 7)))
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 7);
    }
    assert_eq!(loads.count(), 1);
    assert!(
        start.elapsed() <= LOAD.mul_f64(1.1),
        "took {:?}",
        start.elapsed()
    );
    let stats = cache.stats();
    assert_eq!((stats.total.coalesced, stats.flights), (999, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_keys_load_side_by_side() {
    let (cache, loads) = (near_cache(), Loads::default());
    let start = Instant::now();
    let callers: Vec<_> = (0..1_000)
        .map(|caller| tokio::spawn(owned(cache.clone(), loads.clone(), caller % 100)))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(loads.count(), 100);
    assert!(
        start.elapsed() <= LOAD.mul_f64(1.1),
        "took {:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_hit_does_not_wait_for_the_load_of_another_key() {
    let (cache, source) = (near_cache(), Source::closed());
    cache.set("hot", &1_u64).await.unwrap();
    let cold = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move {
            let load = || async { Ok::<_, String>(source.load().await) };
            cache.get_or_load("cold", load).await
        }
    });
    source.begun().await;
    assert_eq!(cache.get("hot").await.unwrap(), Some(1_u64));
    source.let_one();
    assert_eq!(cold.await.unwrap(), Ok(1));
}

/// Polls `call` until it has been woken `polls` times, then drops it.
async fn drop_after<T>(polls: usize, call: impl Future<Output = T>) {
    let mut call = Box::pin(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        let _ = call.as_mut().poll(context);
        Poll::Pending
    })
    .await;
}

type Call = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Drops a leader after each number of polls while three others wait; returns the most loads.
async fn most_loads(call: fn(Cache, Loads) -> Call) -> u64 {
    let mut most = 0;
    for polls in 0..4 {
        let (cache, loads) = (near_cache(), Loads::default());
        let leader = tokio::spawn(drop_after(polls, call(cache.clone(), loads.clone())));
        // The leader runs first: a current-thread runtime polls in order.
        let others: Vec<_> = (0..3)
            .map(|_| tokio::spawn(call(cache.clone(), loads.clone())))
            .collect();
        let abort = leader.abort_handle();
        tokio::spawn(async move {
            sleep(LOAD * 2).await;
            abort.abort();
        });
        for other in others {
            let answer = tokio::time::timeout(LOAD * 10, other).await;
            assert_eq!(
                answer.expect("hangs").unwrap(),
                7,
                "dropped after {polls} polls"
            );
        }
        most = most.max(loads.count());
        assert_eq!(cache.stats().flights, 0);
    }
    most
}

#[tokio::test(start_paused = true)]
async fn a_dropped_leader_hands_its_load_on() {
    let most = most_loads(|cache, loads| Box::pin(owned(cache, loads, 7))).await;
    assert_eq!(most, 1, "the load lives on its own, so it goes on");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_cannot_be_handed_on_is_run_once_more() {
    let most =
        most_loads(|cache, loads| Box::pin(async move { borrowed(&cache, &loads, 7).await })).await;
    assert_eq!(most, 2);
}

#[tokio::test(start_paused = true)]
async fn a_load_without_callers_ends() {
    let (cache, loads) = (near_cache(), Loads::default());
    drop_after(2, owned(cache.clone(), loads.clone(), 7)).await;
    assert_eq!(loads.count(), 1);
    assert_eq!(cache.stats().flights, 0, "nobody is left to finish it");
    assert_eq!(owned(cache, loads.clone(), 7).await, 7);
    assert_eq!(loads.count(), 2);
}

#[derive(Debug, Clone, PartialEq)]
struct Lost;

#[cached(key = "failing:<id>", cache = cache, skip(cache, loads))]
async fn failing(cache: Cache, loads: Loads, id: u64) -> Result<u64, Lost> {
    loads.add();
    sleep(LOAD).await;
    Err(Lost)
}

#[derive(Debug, PartialEq)]
struct NotClone;

#[cached(key = "uncopied:<id>", cache = cache, skip(cache, loads))]
async fn failing_uncopied(cache: Cache, loads: Loads, id: u64) -> Result<u64, NotClone> {
    loads.add();
    sleep(LOAD).await;
    Err(NotClone)
}

#[tokio::test(start_paused = true)]
async fn a_failed_load_gives_its_one_error_to_all_who_waited() {
    let (cache, loads) = (near_cache(), Loads::default());
    let start = Instant::now();
    let callers: Vec<_> = (0..50)
        .map(|_| tokio::spawn(failing(cache.clone(), loads.clone(), 1)))
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Err(Lost));
    }
    assert_eq!(loads.count(), 1);
    assert!(start.elapsed() <= LOAD.mul_f64(1.1));
    assert_eq!(failing(cache.clone(), loads.clone(), 1).await, Err(Lost));
    assert_eq!(loads.count(), 2, "an error is not kept");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_be_copied_costs_each_caller_one_load_and_no_convoy() {
    let (cache, loads) = (near_cache(), Loads::default());
    let start = Instant::now();
    let callers: Vec<_> = (0..50)
        .map(|_| tokio::spawn(failing_uncopied(cache.clone(), loads.clone(), 1)))
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Err(NotClone));
    }
    assert_eq!(loads.count(), 50);
    assert!(
        start.elapsed() <= LOAD.mul_f64(2.1),
        "took {:?}",
        start.elapsed()
    );
}

#[cached(key = "panicking:<id>", cache = cache, skip(cache, loads, until))]
async fn panicking(cache: Cache, loads: Loads, id: u64, until: u64) -> u64 {
    let load = loads.add();
    sleep(LOAD).await;
    assert!(load > until, "load {load} panics");
    id
}

#[tokio::test(start_paused = true)]
async fn a_panic_reaches_its_own_caller_only() {
    let (cache, loads) = (near_cache(), Loads::default());
    let callers: Vec<_> = (0..50)
        .map(|_| tokio::spawn(panicking(cache.clone(), loads.clone(), 7, 1)))
        .collect();
    let mut panics = 0;
    for caller in callers {
        match caller.await {
            Ok(value) => assert_eq!(value, 7),
            Err(error) => panics += u32::from(error.is_panic()),
        }
    }
    assert_eq!((panics, loads.count()), (1, 2));
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn loads_that_always_panic_are_not_run_for_everybody() {
    let (cache, loads) = (near_cache(), Loads::default());
    let callers: Vec<_> = (0..50)
        .map(|_| tokio::spawn(panicking(cache.clone(), loads.clone(), 7, u64::MAX)))
        .collect();
    for caller in callers {
        let answer = tokio::time::timeout(LOAD * 10, caller)
            .await
            .expect("hangs");
        assert!(answer.unwrap_err().is_panic());
    }
    assert_eq!(loads.count(), 2);
    assert_eq!(
        panicking(cache.clone(), loads.clone(), 7, 2).await,
        7,
        "the key is usable"
    );
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_hanging_load_load_for_themselves_after_the_wait() {
    let (cache, loads) = (near_cache(), Loads::default());
    let hanging = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = || std::future::pending::<Result<u64, String>>();
            cache.get_or_load("slow", load).await
        }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let load = || async {
        loads.add();
        sleep(LOAD).await;
        Ok::<_, String>(7_u64)
    };
    assert_eq!(cache.get_or_load("slow", load).await, Ok(7));
    assert_eq!(start.elapsed(), larder::policy::DEFAULT_WAIT + LOAD);
    assert_eq!(
        cache.get::<u64>("slow").await.unwrap(),
        None,
        "it had no right to store"
    );
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn a_load_may_ask_for_its_own_key() {
    let cache = near_cache();
    let inner = || async { Ok::<_, String>(1_u64) };
    let outer = || async {
        cache
            .get_or_load("self", inner)
            .await
            .map(|value| value + 1)
    };
    assert_eq!(cache.get_or_load("self", outer).await, Ok(2));
    assert_eq!(cache.get::<u64>("self").await.unwrap(), Some(2));
}

fn fibonacci(cache: &Cache, n: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
    Box::pin(async move {
        let load = || async {
            Ok::<_, String>(match n {
                0 | 1 => n,
                _ => fibonacci(cache, n - 1).await + fibonacci(cache, n - 2).await,
            })
        };
        cache.get_or_load(&format!("fib:{n}"), load).await.unwrap()
    })
}

#[tokio::test]
async fn a_load_may_ask_for_other_keys_of_the_same_function() {
    assert_eq!(fibonacci(&near_cache(), 60).await, 1_548_008_755_920);
}

#[tokio::test(start_paused = true)]
async fn loads_that_wait_for_each_other_over_tasks_end() {
    let cache = near_cache();
    let ask = |mine: &'static str, other: &'static str| {
        let cache = cache.clone();
        async move {
            let load = || async {
                tokio::task::yield_now().await;
                let inner = cache.clone();
                let asked = tokio::spawn(async move {
                    inner
                        .get_or_load(other, || async { Ok::<_, String>(1_u64) })
                        .await
                });
                asked.await.expect("does not panic").map(|value| value + 1)
            };
            cache.get_or_load(mine, load).await
        }
    };
    let start = Instant::now();
    let (a, b) = tokio::join!(ask("a", "b"), ask("b", "a"));
    assert!(a.is_ok() && b.is_ok());
    assert!(start.elapsed() < larder::policy::DEFAULT_WAIT + Duration::from_secs(1));
}

#[test]
fn a_load_whose_runtime_ends_is_handed_to_another_runtime() {
    let (cache, loads) = (near_cache(), Loads::default());
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let (first, second) = (runtime(), runtime());
    let call = || {
        let (cache, loads) = (cache.clone(), loads.clone());
        async move {
            let load = || async {
                if loads.add() == 1 {
                    std::future::pending::<()>().await;
                }
                Ok::<_, String>(7_u64)
            };
            cache.get_or_load("key", load).await
        }
    };
    first.spawn(call());
    while loads.count() == 0 {
        std::thread::yield_now();
    }
    let waiting = second.spawn(call());
    first.shutdown_background();
    assert_eq!(second.block_on(waiting).expect("does not panic"), Ok(7));
    assert!(loads.count() <= 2);
}
