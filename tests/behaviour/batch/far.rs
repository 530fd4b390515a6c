//! Batches over a real Redis: how often it is asked, what it holds afterwards, and what becomes of
//! a batch without it.

use larder::Redis;
use test_support::RedisServer;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use super::*;

const FINE: &str = "the settings are in order";

/// A process without a near tier, for which a busy machine is no outage.
fn process(server: &RedisServer) -> Cache {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(server.url()).deadline(long).build();
    let builder = Cache::builder().far(redis.expect(FINE)).outage_budget(long);
    builder.build().expect(FINE)
}

/// A process with both tiers that hears of others' invalidations: what it finds until then, it may
/// have to forget.
async fn both_tiers(server: &RedisServer) -> Cache {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(server.url()).deadline(long).build();
    let builder = Cache::builder()
        .near(Moka::default())
        .far(redis.expect(FINE));
    let cache = builder.outage_budget(long).build().expect(FINE);
    let hears = async {
        while !cache.stats().feed_alive {
            cache.get::<u64>("anything").await.expect("it is up");
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(long, hears).await.expect("the feed is alive");
    cache
}

/// How many commands of this kind the server has run.
fn commands(server: &RedisServer, name: &str) -> u64 {
    let stats = server.info(&format!("cmdstat_{name}")).unwrap_or_default();
    let calls = stats
        .split(',')
        .find_map(|stat| stat.strip_prefix("calls="));
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

fn ids(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_far_hits_of_a_batch_take_one_round_trip() {
    let server = RedisServer::start(&[]);
    let (first, second, rows) = (process(&server), process(&server), Rows::open());
    let asked = ids(100);
    assert_eq!(several(&first, &rows, &asked).await.len(), 100);
    // A connection begins with questions of its own.
    assert!(!second.exists("nothing").await.expect("the server is there"));
    let before = ["mget", "get"].map(|name| commands(&server, name));
    let found = server.info("keyspace_hits").unwrap();
    let got = several(&second, &rows, &asked).await;
    assert!(asked.iter().all(|id| got[id] == (*id, 1)));
    let after = ["mget", "get"].map(|name| commands(&server, name));
    assert_eq!(after, [before[0] + 1, before[1]]);
    let names = server
        .info("keyspace_hits")
        .unwrap()
        .parse::<u64>()
        .unwrap()
        - found.parse::<u64>().unwrap();
    assert_eq!(names, 102, "a slot for each, one namespace and one prefix");
    assert_eq!(rows.runs().len(), 1);
    assert_eq!(second.stats().total.far_hits, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_no_tier_holds_reaches_the_body_and_is_then_held_by_all() {
    let server = RedisServer::start(&[]);
    let (first, second, rows) = (process(&server), process(&server), Rows::open());
    let both = both_tiers(&server).await;
    one(&first, &rows, 2).await;
    several(&both, &rows, &[3]).await;
    let got = several(&both, &rows, &[4, 3, 2, 1]).await;
    assert_eq!(got, map([1, 2, 3, 4]));
    assert_eq!(rows.runs(), [vec![2], vec![3], vec![4, 1]]);
    let stats = both.stats().total;
    assert_eq!((stats.near_hits, stats.far_hits), (1, 1));
    let asked = commands(&server, "mget");
    assert_eq!(
        several(&both, &rows, &[1, 2, 3, 4]).await,
        map([1, 2, 3, 4])
    );
    assert_eq!(commands(&server, "mget"), asked, "all are near now");
    for id in 1..=4 {
        assert_eq!(one(&second, &rows, id).await, (id, 1));
    }
    assert_eq!(rows.runs().len(), 3, "all are far");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absence_is_held_far_too() {
    let server = RedisServer::start(&[]);
    let (first, second, rows) = (process(&server), process(&server), Rows::open());
    assert_eq!(remembered(&first, &rows, &[1, NOBODY]).await, map([1]));
    assert_eq!(remembered(&second, &rows, &[NOBODY, 1]).await, map([1]));
    assert_eq!(rows.runs().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_invalidates_one_key_in_the_middle_of_a_batch() {
    let server = RedisServer::start(&[]);
    let (first, second) = (process(&server), process(&server));
    let rows = Rows::closed();
    let batch = tokio::spawn({
        let rows = rows.clone();
        async move { several(&first, &rows, &[1, 2, 3]).await }
    });
    rows.source.begun().await;
    rows.source.commit();
    second.remove("rows:2").await.unwrap();
    rows.source.let_one();
    assert_eq!(batch.await.unwrap(), map([1, 2, 3]));
    rows.source.let_one();
    let after = several(&second, &rows, &[1, 2, 3]).await;
    let versions = [1, 2, 3].map(|id| after[&id].1);
    assert_eq!(versions, [1, 2, 1]);
    assert_eq!(rows.runs()[1..], [[2]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_batch_asks_in_several_commands() {
    let server = RedisServer::start(&[]);
    let (first, second, rows) = (process(&server), process(&server), Rows::open());
    let asked = ids(1_200);
    several(&first, &rows, &asked).await;
    let before = commands(&server, "mget");
    let got = several(&second, &rows, &asked).await;
    assert!(asked.iter().all(|id| got[id] == (*id, 1)));
    assert_eq!(commands(&server, "mget") - before, 3);
    assert_eq!(rows.runs().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_waits_for_a_far_tier_that_hangs_as_long_as_one_call() {
    const BUDGET: Duration = Duration::from_millis(300);
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).expect(FINE);
    let cache = Cache::builder().far(redis).outage_budget(BUDGET);
    let (cache, rows) = (cache.build().expect(FINE), Rows::open());
    several(&cache, &rows, &[0]).await;
    block_in_place(|| server.stop());
    let start = Instant::now();
    let got = several(&cache, &rows, &ids(1_200)).await;
    let took = start.elapsed();
    assert_eq!(got.len(), 1_200);
    assert!(took < BUDGET * 2, "three reads took {took:?}");
    block_in_place(|| server.cont());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_returns_its_own_result_without_the_far_tier() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).expect(FINE);
    let cache = Cache::builder().near(Moka::default()).far(redis);
    let (cache, rows) = (cache.build().expect(FINE), Rows::open());
    block_in_place(|| server.kill());
    assert_eq!(several(&cache, &rows, &[1, 2]).await, map([1, 2]));
    assert_eq!(several(&cache, &rows, &[2, 1]).await, map([1, 2]));
    assert_eq!(rows.runs().len(), 1, "the near tier holds them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_fails_gives_the_right_to_store_back() {
    let server = RedisServer::start(&[]);
    let (first, second) = (process(&server), process(&server));
    assert_eq!(halting(&first, true, &[1, 2]).await, Err(()));
    let got = [(1, false), (2, false)].into();
    assert_eq!(halting(&second, false, &[1, 2]).await, Ok(got));
    let got = [(1, false), (2, false)].into();
    assert_eq!(
        halting(&first, true, &[1, 2]).await,
        Ok(got),
        "it was stored"
    );
}

#[cached(batch = ids, key = "halting:<ids>", cache = cache, skip(cache, fails))]
async fn halting(cache: &Cache, fails: bool, ids: &[u64]) -> Result<HashMap<u64, bool>, ()> {
    if fails {
        return Err(());
    }
    Ok(ids.iter().map(|id| (*id, fails)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_takes_the_place_of_what_is_far() {
    let server = RedisServer::start(&[]);
    let (first, second, rows) = (process(&server), process(&server), Rows::open());
    several(&first, &rows, &[1, 2]).await;
    rows.source.commit();
    let refreshed = larder::entry(several(&first, &rows, &[1])).refresh().await;
    assert_eq!(refreshed[&1], (1, 2));
    let got = several(&second, &rows, &[1, 2]).await;
    assert_eq!((got[&1], got[&2]), ((1, 2), (2, 1)));
    assert_eq!(rows.runs().len(), 2);
}
