//! Who loads and who waits, where batches and single callers ask for the same keys.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep, timeout},
};

use super::*;
use larder::policy::DEFAULT_WAIT;

const LOAD: Duration = Duration::from_millis(50);

impl Rows {
    /// How often each of these ids was loaded.
    fn loads(&self, ids: impl Iterator<Item = u64>) -> Vec<usize> {
        let runs = self.runs();
        let loads = |id| runs.iter().flatten().filter(|asked| **asked == id).count();
        ids.map(loads).collect()
    }

    fn spawn_several(&self, cache: &Cache, ids: &[u64]) -> JoinHandle<HashMap<u64, Row>> {
        let (cache, rows, ids) = (cache.clone(), self.clone(), ids.to_vec());
        tokio::spawn(async move { several(&cache, &rows, &ids).await })
    }

    fn spawn_one(&self, cache: &Cache, id: u64) -> JoinHandle<Row> {
        let (cache, rows) = (cache.clone(), self.clone());
        tokio::spawn(async move { one(&cache, &rows, id).await })
    }
}

async fn ended<T>(task: JoinHandle<T>) -> T {
    let ended = timeout(Duration::from_secs(3), task).await;
    ended.expect("it hangs").expect("it does not panic")
}

/// Lets every task go as far as it can.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn single_callers_wait_for_the_batch_that_loads_their_keys() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let batch = rows.spawn_several(&cache, &[1, 2, 3]);
    rows.source.begun().await;
    let singles = [1, 2, 3, 2].map(|id| rows.spawn_one(&cache, id));
    settle().await;
    rows.source.let_one();
    assert_eq!(ended(batch).await, map([1, 2, 3]));
    for (single, id) in singles.into_iter().zip([1, 2, 3, 2]) {
        assert_eq!(ended(single).await, (id, 1));
    }
    assert_eq!(rows.runs(), [[1, 2, 3]]);
    let stats = cache.stats();
    assert_eq!((stats.total.coalesced, stats.flights), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_loads_only_what_nobody_loads_and_waits_for_the_rest() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let single = rows.spawn_one(&cache, 2);
    rows.source.begun().await;
    let batch = rows.spawn_several(&cache, &[1, 2, 3]);
    rows.source.begun().await;
    assert_eq!(rows.runs(), [vec![2], vec![1, 3]], "side by side");
    rows.source.let_one();
    rows.source.let_one();
    assert_eq!(ended(batch).await, map([1, 2, 3]));
    assert_eq!(ended(single).await, (2, 1));
    assert_eq!(rows.runs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn batches_that_overlap_in_whatever_order_end_with_one_load_for_each_key() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let forth: Vec<u64> = (0..20).collect();
    let back: Vec<u64> = (0..20).rev().collect();
    let batches = [
        rows.spawn_several(&cache, &forth[..12]),
        rows.spawn_several(&cache, &back[..15]),
        rows.spawn_several(&cache, &forth),
        rows.spawn_several(&cache, &back),
    ];
    settle().await;
    let start = Instant::now();
    rows.source.let_one();
    rows.source.let_one();
    for (batch, asked) in batches.into_iter().zip([12, 15, 20, 20]) {
        assert_eq!(ended(batch).await.len(), asked);
    }
    assert_eq!(rows.loads(0..20), [1; 20]);
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "nobody ran out of patience"
    );
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_is_loaded_once_however_batches_and_singles_are_mixed() {
    const KEYS: u64 = 200;
    for round in 0..20 {
        let (cache, rows) = (near_cache(), Rows::open());
        let tasks: Vec<_> = (0..60)
            .map(|task| {
                let (cache, rows) = (cache.clone(), rows.clone());
                tokio::spawn(async move {
                    let mut at = task * 31 + round;
                    for turn in 0..20 {
                        at = (at * 37 + 11) % KEYS;
                        if turn % 3 == 0 {
                            assert_eq!(one(&cache, &rows, at).await, (at, 1));
                        } else {
                            let ids: Vec<u64> =
                                (0..turn).map(|step| (at + step * 7) % KEYS).collect();
                            let got = several(&cache, &rows, &ids).await;
                            assert!(ids.iter().all(|id| got[id] == (*id, 1)));
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            ended(task).await;
        }
        assert!(rows.loads(0..KEYS).iter().all(|loads| *loads <= 1));
        assert_eq!(cache.stats().flights, 0);
    }
}

#[tokio::test]
async fn an_invalidation_in_the_middle_of_a_batch_wins() {
    for how in ["key", "prefix", "tag", "clear"] {
        let (cache, rows) = (near_cache(), Rows::closed());
        let batch = tokio::spawn({
            let (cache, rows) = (cache.clone(), rows.clone());
            async move { teams(&cache, &rows, &[1, 2]).await }
        });
        rows.source.begun().await;
        rows.source.commit();
        match how {
            "key" => cache.remove("teams:2").await,
            "prefix" => cache.remove_prefix("teams").await,
            "tag" => cache.remove_tag("team:2").await,
            _ => cache.clear().await,
        }
        .unwrap();
        let later = tokio::spawn({
            let (cache, rows) = (cache.clone(), rows.clone());
            async move { teams(&cache, &rows, &[2]).await }
        });
        rows.source.begun().await;
        rows.source.let_one();
        rows.source.let_one();
        ended(batch).await;
        assert_eq!(
            ended(later).await[&2],
            (2, 2),
            "{how}: it joined nothing old"
        );
        rows.source.let_one();
        let after = teams(&cache, &rows, &[1, 2]).await;
        assert_eq!(after[&2], (2, 2), "{how}: nothing old was stored");
        let untouched = how == "key" || how == "tag";
        assert_eq!(after[&1], (1, if untouched { 1 } else { 2 }), "{how}");
    }
}

#[cached(batch = ids, key = "teams:<ids>", tags = ["team:<ids>"], cache = cache, skip(cache, rows))]
async fn teams(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    rows.load(ids).await
}

#[tokio::test(start_paused = true)]
async fn nobody_hangs_when_a_batch_is_dropped() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let dropped = rows.spawn_several(&cache, &[1, 2, 3, 4]);
    rows.source.begun().await;
    let single = rows.spawn_one(&cache, 1);
    let batch = rows.spawn_several(&cache, &[2, 3, 9]);
    rows.source.begun().await;
    dropped.abort();
    rows.source.begun().await;
    for _ in 0..4 {
        rows.source.let_one();
    }
    assert_eq!(ended(single).await, (1, 1));
    assert_eq!(ended(batch).await, map([2, 3, 9]));
    assert_eq!(rows.loads([1, 2, 3, 4, 9].into_iter()), [2, 2, 2, 1, 1]);
    assert_eq!(
        rows.runs()[3..],
        [vec![2, 3]],
        "one run for all that was left"
    );
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_to_a_batch_is_loaded_at_once_whoever_else_it_waits_for() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let dropped = rows.spawn_one(&cache, 1);
    rows.source.begun().await;
    let slow = rows.spawn_one(&cache, 2);
    rows.source.begun().await;
    let batch = rows.spawn_several(&cache, &[1, 2]);
    settle().await;
    let waits = rows.spawn_one(&cache, 1);
    dropped.abort();
    let begun = timeout(LOAD, rows.source.begun()).await;
    begun.expect("it waits for the slow one first");
    assert_eq!(rows.runs(), [[1], [2], [1]]);
    rows.source.let_one();
    rows.source.let_one();
    assert_eq!(ended(waits).await, (1, 1));
    assert_eq!(ended(slow).await, (2, 1));
    assert_eq!(ended(batch).await, map([1, 2]));
    assert_eq!(rows.runs().len(), 3);
}

/// Drops a batch after each number of polls, at every step of its way.
#[tokio::test(start_paused = true)]
async fn a_batch_can_be_dropped_at_every_step() {
    for polls in 0..6 {
        let (cache, rows) = (near_cache(), Rows::open());
        {
            let mut batch = pin!(slow(&cache, &rows, &[1, 2, 3]));
            let mut left = polls;
            poll_fn(|context| {
                left -= i32::from(left > 0);
                if left == 0 {
                    return Poll::Ready(());
                }
                batch.as_mut().poll(context).map(drop)
            })
            .await;
        }
        let start = Instant::now();
        assert_eq!(slow(&cache, &rows, &[3, 2, 1]).await, map([1, 2, 3]));
        assert!(start.elapsed() <= LOAD * 2, "after {polls} polls");
        assert_eq!(cache.stats().flights, 0);
    }
}

#[cached(batch = ids, key = "slow:<ids>", cache = cache, skip(cache, rows))]
async fn slow(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    sleep(LOAD).await;
    rows.load(ids).await
}

#[cached(key = "slow:<id>", cache = cache, skip(cache, rows))]
async fn slow_one(cache: Cache, rows: Rows, id: u64) -> Row {
    let row = rows.load(&[id]).await[&id];
    sleep(LOAD).await;
    row
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_on_with_a_load_that_lost_its_caller() {
    let (cache, rows) = (near_cache(), Rows::open());
    let dropped = tokio::spawn(slow_one(cache.clone(), rows.clone(), 2));
    settle().await;
    let batch = tokio::spawn({
        let (cache, rows) = (cache.clone(), rows.clone());
        async move { slow(&cache, &rows, &[1, 2]).await }
    });
    settle().await;
    dropped.abort();
    assert_eq!(ended(batch).await, map([1, 2]));
    assert_eq!(rows.loads([1, 2].into_iter()), [1, 1]);
}

#[cached(batch = ids, key = "shaky:<ids>", cache = cache, skip(cache, rows, until))]
async fn shaky(cache: &Cache, rows: &Rows, until: usize, ids: &[u64]) -> HashMap<u64, Row> {
    let rows = (rows.load(ids).await, rows.runs().len());
    assert!(rows.1 > until, "run {} panics", rows.1);
    rows.0
}

#[tokio::test(start_paused = true)]
async fn a_panic_reaches_its_own_caller_and_the_others_load() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let call = |ids: &'static [u64]| {
        let (cache, rows) = (cache.clone(), rows.clone());
        tokio::spawn(async move { shaky(&cache, &rows, 1, ids).await })
    };
    let panics = call(&[1, 2, 3]);
    rows.source.begun().await;
    let waits = call(&[3, 2]);
    settle().await;
    rows.source.let_one();
    rows.source.let_one();
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(ended(waits).await, map([2, 3]));
    assert_eq!(rows.runs(), [vec![1, 2, 3], vec![3, 2]]);
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn loads_that_always_panic_are_not_run_for_everybody() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (cache, rows) = (cache.clone(), rows.clone());
            tokio::spawn(async move { shaky(&cache, &rows, usize::MAX, &[1, 2]).await })
        })
        .collect();
    settle().await;
    rows.source.let_one();
    rows.source.let_one();
    for call in calls {
        let ended = timeout(Duration::from_secs(3), call).await;
        assert!(ended.expect("it hangs").unwrap_err().is_panic());
    }
    assert_eq!(rows.runs().len(), 2);
    assert_eq!(cache.stats().flights, 0);
}

type Answer<T> = Result<T, Lost>;

#[derive(Debug, Clone, PartialEq)]
struct Lost(usize);

#[cached(batch = ids, key = "failing:<ids>", cache = cache, skip(cache, rows))]
async fn failing(cache: &Cache, rows: &Rows, ids: &[u64]) -> Answer<HashMap<u64, Row>> {
    rows.load(ids).await;
    Err(Lost(rows.runs().len()))
}

#[cached(key = "failing:<id>", cache = cache, skip(cache, rows))]
async fn failing_one(cache: &Cache, rows: &Rows, id: u64) -> Answer<Row> {
    rows.load(&[id]).await;
    Err(Lost(rows.runs().len()))
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_run_goes_to_all_who_waited_for_its_keys() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let batch = |ids: &'static [u64]| {
        let (cache, rows) = (cache.clone(), rows.clone());
        tokio::spawn(async move { failing(&cache, &rows, ids).await })
    };
    let first = batch(&[1, 2]);
    rows.source.begun().await;
    let second = batch(&[2, 1]);
    let single = tokio::spawn({
        let (cache, rows) = (cache.clone(), rows.clone());
        async move { failing_one(&cache, &rows, 2).await }
    });
    settle().await;
    rows.source.let_one();
    assert_eq!(ended(first).await, Err(Lost(1)));
    assert_eq!(ended(second).await, Err(Lost(1)));
    assert_eq!(ended(single).await, Err(Lost(1)));
    rows.source.let_one();
    assert_eq!(failing(&cache, &rows, &[1]).await, Err(Lost(2)), "not kept");
    assert_eq!(cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_fails_with_the_single_load_that_it_waits_for() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let single = tokio::spawn({
        let (cache, rows) = (cache.clone(), rows.clone());
        async move { failing_one(&cache, &rows, 2).await }
    });
    rows.source.begun().await;
    let batch = tokio::spawn({
        let (cache, rows) = (cache.clone(), rows.clone());
        async move { failing(&cache, &rows, &[2, 2]).await }
    });
    settle().await;
    rows.source.let_one();
    assert_eq!(ended(single).await, Err(Lost(1)));
    assert_eq!(ended(batch).await, Err(Lost(1)));
}

#[derive(Debug, PartialEq)]
struct NotClone(usize);

#[cached(batch = ids, key = "uncopied:<ids>", cache = cache, skip(cache, rows))]
async fn uncopied(cache: &Cache, rows: &Rows, ids: &[u64]) -> Result<HashMap<u64, Row>, NotClone> {
    rows.load(ids).await;
    Err(NotClone(rows.runs().len()))
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_an_error_that_cannot_be_copied_runs_once_for_all_its_keys() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let call = || {
        let (cache, rows) = (cache.clone(), rows.clone());
        tokio::spawn(async move { uncopied(&cache, &rows, &[1, 2, 3]).await })
    };
    let first = call();
    rows.source.begun().await;
    let second = call();
    settle().await;
    rows.source.let_one();
    assert_eq!(ended(first).await, Err(NotClone(1)));
    rows.source.let_one();
    assert_eq!(ended(second).await, Err(NotClone(2)));
    assert_eq!(rows.runs(), [[1, 2, 3], [1, 2, 3]]);
}

#[tokio::test(start_paused = true)]
async fn who_needs_a_value_loads_it_where_a_batch_found_none() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let batch = rows.spawn_several(&cache, &[1, NOBODY]);
    rows.source.begun().await;
    let single = tokio::spawn({
        let (cache, rows) = (cache.clone(), rows.clone());
        async move { stubborn(&cache, &rows, NOBODY).await }
    });
    settle().await;
    rows.source.let_one();
    rows.source.let_one();
    assert_eq!(ended(batch).await, map([1]));
    assert_eq!(ended(single).await, (NOBODY, 0));
    assert_eq!(rows.runs(), [vec![1, NOBODY], vec![NOBODY]]);
}

#[cached(key = "rows:<id>", cache = cache, skip(cache, rows))]
async fn stubborn(cache: &Cache, rows: &Rows, id: u64) -> Row {
    let row = rows.load(&[id]).await.remove(&id);
    row.unwrap_or((id, 0))
}

#[tokio::test(start_paused = true)]
async fn a_batch_loads_for_itself_what_another_takes_too_long_for() {
    let (cache, rows) = (near_cache(), Rows::closed());
    let hanging = rows.spawn_one(&cache, 2);
    rows.source.begun().await;
    let start = Instant::now();
    let batch = tokio::spawn({
        let (cache, rows) = (cache.clone(), Rows::open());
        async move { (several(&cache, &rows, &[1, 2, 3]).await, rows.runs()) }
    });
    let waited = timeout(DEFAULT_WAIT * 2, batch).await.expect("it hangs");
    let (got, runs) = waited.expect("it does not panic");
    assert_eq!((got, start.elapsed()), (map([1, 2, 3]), DEFAULT_WAIT));
    assert_eq!(runs, [vec![1, 3], vec![2]]);
    assert!(
        !cache.exists("rows:2").await.unwrap(),
        "without the right to"
    );
    hanging.abort();
}

#[cached(batch = ids, key = "deep:<ids>", cache = cache, skip(cache, rows))]
async fn deep(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    let mut got = rows.load(ids).await;
    if !ids.contains(&7) {
        // Of its own keys, and one that is not.
        got.extend(deeper(cache, rows, ids[0]).await);
    }
    got
}

fn deeper<'a>(
    cache: &'a Cache,
    rows: &'a Rows,
    id: u64,
) -> Pin<Box<dyn Future<Output = HashMap<u64, Row>> + Send + 'a>> {
    Box::pin(async move { deep(cache, rows, &[id, 7]).await })
}

#[tokio::test(start_paused = true)]
async fn a_body_may_ask_for_its_own_keys() {
    let (cache, rows) = (near_cache(), Rows::open());
    let start = Instant::now();
    assert_eq!(deep(&cache, &rows, &[1, 2]).await, map([1, 2]));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(cache.stats().flights, 0);
    assert_eq!(rows.runs(), [[1, 2], [1, 7]]);
    assert_eq!(deep(&cache, &rows, &[2, 7]).await, map([2, 7]));
    assert_eq!(rows.runs().len(), 2);
}
