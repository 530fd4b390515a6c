//! Hits in Redis: larder's far tier, decoding and fence included, against raw commands that read
//! the same keys over the same kind of connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use larder::{Cache, Redis};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use serde::{Deserialize, Serialize};
use test_support::RedisServer;

use crate::{
    load::Workload,
    monitor::Monitor,
    rounds::{Target, median, quantile, ratio, verdict},
};

/// How many values are read.
const KEYS: u64 = 1_000;
/// Calls of one turn.
const CALLS_ALONE: usize = 2_000;
const CALLS_TOGETHER: usize = 32_000;
/// How many callers there are at once, and the least share of the raw command's throughput.
const CROWDS: [(usize, f64); 2] = [(64, 0.92), (256, 0.88)];

/// What is kept: 200 bytes, encoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    id: u64,
    score: f64,
    tags: Vec<u32>,
    about: String,
}

/// How often the function behind the cache has run.
static LOADS: AtomicU64 = AtomicU64::new(0);

#[larder::cached(ttl = 600, key = "profiles:<id>", cache = "far")]
async fn by_larder(id: u64) -> Profile {
    LOADS.fetch_add(1, Ordering::Relaxed);
    Profile {
        id,
        score: 0.5,
        tags: vec![1, 2, 3, 4, 5, 6, 7, 8],
        about: "x".repeat(180),
    }
}

/// One way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Get,
    Mget,
    Larder,
}

impl Contender {
    const ALL: [Self; 3] = [Self::Get, Self::Mget, Self::Larder];

    fn name(self) -> &'static str {
        match self {
            Self::Get => "raw GET of the value",
            Self::Mget => "raw MGET of the value and its stamps",
            Self::Larder => "larder #[cached], far tier only",
        }
    }
}

/// What the contenders share.
#[derive(Clone)]
struct Bench {
    connection: MultiplexedConnection,
    /// For each id, the names that a hit reads: the value's first.
    names: Arc<Vec<Vec<String>>>,
}

impl Bench {
    async fn call(&mut self, contender: Contender, id: u64) {
        let names = &self.names[usize::try_from(id).expect("few keys")];
        match contender {
            Contender::Get => {
                let command = redis::cmd("GET").arg(&names[0]).to_owned();
                let value: Option<Vec<u8>> = command
                    .query_async(&mut self.connection)
                    .await
                    .expect("the server runs");
                assert!(value.is_some());
            }
            Contender::Mget => {
                let command = redis::cmd("MGET").arg(names).to_owned();
                let values: Vec<Option<Vec<u8>>> = command
                    .query_async(&mut self.connection)
                    .await
                    .expect("the server runs");
                assert!(values.iter().all(Option::is_some));
            }
            Contender::Larder => assert_eq!(by_larder(id).await.id, id),
        }
    }
}

/// Measures and prints everything about hits in Redis.
pub(crate) fn run(rounds: usize) {
    let server = RedisServer::start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let bench = prepare(&server).await;
        let loads = LOADS.load(Ordering::Relaxed);
        let spawned = tokio::spawn(alone(bench.clone(), rounds));
        let alone = spawned.await.expect("no contender fails");
        let mut together = Vec::new();
        for (callers, _) in CROWDS {
            let spawned = tokio::spawn(crowd(bench.clone(), rounds, callers));
            together.push(spawned.await.expect("no contender fails"));
        }
        assert_eq!(
            LOADS.load(Ordering::Relaxed),
            loads,
            "only hits are measured"
        );
        print(&alone, &together, rounds);
    });
}

/// Fills the cache, and learns from the server what a hit reads.
async fn prepare(server: &RedisServer) -> Bench {
    // A machine that stalls for a moment is no outage: here only hits are measured.
    let patience = Duration::from_secs(5);
    let redis = Redis::builder(server.url()).deadline(patience).build();
    let cache = Cache::builder()
        .namespace("bench")
        .far(redis.expect("the URL is one"))
        .outage_budget(patience)
        .build();
    cache
        .expect("the settings are right")
        .register("far")
        .expect("the name is free");
    let mut names = Vec::new();
    for id in 0..KEYS {
        by_larder(id).await;
        let mut monitor = Monitor::new(server);
        by_larder(id).await;
        let mut commands = monitor.commands();
        commands.retain(|command| command[0] == "MGET");
        assert_eq!(commands.len(), 1, "a hit is one command: {commands:?}");
        names.push(commands.remove(0).split_off(1));
    }
    let length = server.raw(&["STRLEN", &names[0][0]]);
    println!(
        "a value is {length:?} bytes in its envelope; a hit reads {:?}\n",
        names[0]
    );
    let client = redis::Client::open(server.url()).expect("the URL is one");
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let connection = connection.await;
    Bench {
        connection: connection.expect("the server runs"),
        names: Arc::new(names),
    }
}

/// One caller: the contenders take turns call by call, so that they meet the same machine.
/// Microseconds, the median of each round.
async fn alone(mut bench: Bench, rounds: usize) -> [Vec<f64>; 3] {
    let ids = Workload::Uniform.ids(CALLS_ALONE, 1);
    let mut medians: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        let mut times: [Vec<f64>; 3] = Default::default();
        for (call, id) in ids.iter().enumerate() {
            for turn in 0..Contender::ALL.len() {
                let at = (call + turn) % Contender::ALL.len();
                let start = Instant::now();
                bench.call(Contender::ALL[at], id % KEYS).await;
                times[at].push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        for (medians, times) in medians.iter_mut().zip(&times) {
            medians.push(median(times));
        }
    }
    medians
}

/// Many callers: the contenders take turns round by round. Thousands of calls a second.
async fn crowd(bench: Bench, rounds: usize, callers: usize) -> [Vec<f64>; 3] {
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 0..rounds {
        for turn in 0..Contender::ALL.len() {
            let at = (round + turn) % Contender::ALL.len();
            let start = Instant::now();
            let tasks: Vec<_> = (0..callers)
                .map(|caller| {
                    let mut bench = bench.clone();
                    let ids = Workload::Uniform.ids(CALLS_TOGETHER / callers, caller as u64);
                    tokio::spawn(async move {
                        for id in ids {
                            bench.call(Contender::ALL[at], id % KEYS).await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no contender fails");
            }
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let calls = CALLS_TOGETHER as f64;
            rates[at].push(calls / start.elapsed().as_secs_f64() / 1e3);
        }
    }
    rates
}

fn print(alone: &[Vec<f64>; 3], together: &[[Vec<f64>; 3]], rounds: usize) {
    println!("hits in Redis, medians of {rounds} rounds\n");
    print!("| contender | c=1 p50 us | best round |");
    for (callers, _) in CROWDS {
        print!(" c={callers} kops/s |");
    }
    println!("\n| --- |{}", " ---: |".repeat(2 + CROWDS.len()));
    for (at, contender) in Contender::ALL.iter().enumerate() {
        let (middle, best) = (median(&alone[at]), quantile(&alone[at], 0.0));
        print!("| {} | {middle:.1} | {best:.1} |", contender.name());
        for rates in together {
            print!(" {:.1} |", median(&rates[at]));
        }
        println!();
    }
    println!();
    let [get, mget, larder] = alone;
    let time = ratio(larder, get);
    verdict("c=1, time over GET", time, Target::AtMost(1.05));
    println!("c=1, time over MGET: {:.3}", ratio(larder, mget));
    for ((callers, least), [get, mget, larder]) in CROWDS.into_iter().zip(together) {
        let what = format!("c={callers}, throughput over MGET");
        verdict(&what, ratio(larder, mget), Target::AtLeast(least));
        let over = ratio(larder, get);
        println!("c={callers}, throughput over GET: {over:.3}");
    }
}
