//! The invalidation of a prefix in Redis: as long as a SET, however many keys stand under it.

use std::time::{Duration, Instant};

use larder::{Cache, Redis};
use redis::aio::MultiplexedConnection;
use test_support::RedisServer;

use crate::{
    monitor::Monitor,
    rounds::{Target, median, quantile, ratio, verdict},
};

/// How many keys stand under the prefix.
const KEYS: u64 = 1_000_000;
/// How many are written at once.
const CHUNK: u64 = 1_000;
/// Calls of one turn.
const CALLS: usize = 200;

/// Measures and prints everything about invalidation.
pub(crate) fn run(rounds: usize) {
    let server = RedisServer::start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let cache = fill(&server).await;
        let commands = count(&server, &cache).await;
        let client = redis::Client::open(server.url()).expect("the URL is one");
        let connection = client.get_multiplexed_async_connection().await;
        let connection = connection.expect("the server runs");
        let other = client.get_multiplexed_async_connection().await;
        let other = other.expect("the server runs");
        let spawned = tokio::spawn(measure(connection.clone(), cache.clone(), rounds));
        let [set, remove] = spawned.await.expect("no contender fails");
        server.raw(&["CONFIG", "RESETSTAT"]);
        let spawned = tokio::spawn(bystander(other, connection, cache, rounds));
        let [beside_set, beside_remove] = spawned.await.expect("no contender fails");
        println!("| {KEYS} keys in Redis | p50 us | best round |");
        println!("| --- | ---: | ---: |");
        for (name, times) in [
            ("SET", &set),
            ("remove_prefix", &remove),
            ("another client's GET beside a SET", &beside_set),
            (
                "another client's GET beside a remove_prefix",
                &beside_remove,
            ),
        ] {
            let (middle, best) = (median(times), quantile(times, 0.0));
            println!("| {name} | {middle:.1} | {best:.1} |");
        }
        println!("\ncommands of one remove_prefix, in one round trip: {commands}");
        verdict("time over a SET", ratio(&remove, &set), Target::AtMost(2.0));
        let delays: Vec<f64> = beside_remove
            .iter()
            .zip(&beside_set)
            .map(|(remove, set)| (remove - set) / 1e3)
            .collect();
        let what = "another client's GET waits longer, ms";
        verdict(what, median(&delays), Target::AtMost(0.1));
        let busy = occupied(&server);
        let what = "the server is busy with one remove_prefix, ms";
        verdict(what, busy, Target::AtMost(0.1));
    });
}

async fn fill(server: &RedisServer) -> Cache {
    // Filling is not what is measured, and a busy machine may take its time.
    let patience = Duration::from_secs(10);
    let redis = Redis::builder(server.url()).deadline(patience).build();
    let cache = Cache::builder()
        .namespace("bench")
        .far(redis.expect("the URL is one"))
        .outage_budget(patience)
        .build();
    let cache = cache.expect("the settings are right");
    for start in (0..KEYS).step_by(usize::try_from(CHUNK).expect("a small number")) {
        let keys: Vec<_> = (start..start + CHUNK)
            .map(|id| format!("users:{id}"))
            .collect();
        let values: Vec<_> = keys.iter().map(String::as_str).zip(start..).collect();
        cache.set_many(&values).await.expect("the server runs");
    }
    let size = server.raw(&["DBSIZE"]).int().expect("a count");
    assert!(size >= 1_000_000, "{size} keys in the server");
    cache
}

/// How many commands one invalidation is, as the server counts them. It also has to work.
async fn count(server: &RedisServer, cache: &Cache) -> usize {
    let read = async || cache.get::<u64>("users:7").await.expect("the server runs");
    assert_eq!(read().await, Some(7));
    let mut monitor = Monitor::new(server);
    cache.remove_prefix("users").await.expect("the server runs");
    let commands = monitor.commands();
    assert_eq!(read().await, None);
    println!("{commands:?}\n");
    commands.len()
}

/// A client that reads while another writes. Microseconds of its GET beside a SET and beside a
/// `remove_prefix`, the median of each round.
async fn bystander(
    mut reads: MultiplexedConnection,
    mut writes: MultiplexedConnection,
    cache: Cache,
    rounds: usize,
) -> [Vec<f64>; 2] {
    let mut get = async || {
        let start = Instant::now();
        let get = redis::cmd("GET").arg("plain").to_owned();
        let value: String = get.query_async(&mut reads).await.expect("the server runs");
        assert_eq!(value, "value");
        start.elapsed().as_secs_f64() * 1e6
    };
    let mut medians: [Vec<f64>; 2] = Default::default();
    for _ in 0..rounds {
        let mut times: [Vec<f64>; 2] = Default::default();
        for _ in 0..CALLS {
            let set = redis::cmd("SET").arg("plain").arg("value").to_owned();
            // What is written is sent first.
            let writing = set.query_async::<String>(&mut writes);
            let (written, time) = tokio::join!(writing, get());
            assert_eq!(written.expect("the server runs"), "OK");
            times[0].push(time);
            let (removed, time) = tokio::join!(cache.remove_prefix("users"), get());
            removed.expect("the server runs");
            times[1].push(time);
        }
        for (medians, times) in medians.iter_mut().zip(&times) {
            medians.push(median(times));
        }
    }
    medians
}

/// How long the server is busy with the commands of one `remove_prefix`, in milliseconds, as it
/// counts that itself: what anybody else may have to wait.
fn occupied(server: &RedisServer) -> f64 {
    let commands = ["unlink", "set", "publish"];
    let mut sum = 0.0;
    for command in commands {
        let field = server.info(&format!("cmdstat_{command}"));
        let field = field.expect("it was called");
        let mean = field.split("usec_per_call=").nth(1).expect("a field");
        let mean = mean.split(',').next().expect("a number");
        sum += mean.parse::<f64>().expect("a number");
    }
    sum / 1e3
}

/// SET and `remove_prefix` take turns call by call. Microseconds, the median of each round.
async fn measure(
    mut connection: MultiplexedConnection,
    cache: Cache,
    rounds: usize,
) -> [Vec<f64>; 2] {
    let mut medians: [Vec<f64>; 2] = Default::default();
    for _ in 0..rounds {
        let mut times: [Vec<f64>; 2] = Default::default();
        for _ in 0..CALLS {
            let start = Instant::now();
            let set = redis::cmd("SET").arg("plain").arg("value").to_owned();
            let answer: String = set
                .query_async(&mut connection)
                .await
                .expect("the server runs");
            times[0].push(start.elapsed().as_secs_f64() * 1e6);
            assert_eq!(answer, "OK");

            let start = Instant::now();
            cache.remove_prefix("users").await.expect("the server runs");
            times[1].push(start.elapsed().as_secs_f64() * 1e6);
        }
        for (medians, times) in medians.iter_mut().zip(&times) {
            medians.push(median(times));
        }
    }
    medians
}
