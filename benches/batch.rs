//! What a batch of 100 elements costs beside 100 single calls and beside a bare `MGET`, near and far:
//! `cargo bench --bench batch --features redis`. Microseconds for all 100, medians of interleaved
//! rounds. The Redis server is started here.

use std::{collections::HashMap, future::Future, hint::black_box, time::Instant};

use larder::{Backend, Cache, Moka, Redis, cached};
use test_support::RedisServer;

const ROUNDS: usize = 15;
const TURNS: u32 = 200;
const ELEMENTS: u64 = 100;

type Users = HashMap<u64, String>;

fn name(id: u64) -> String {
    format!("user number {id}")
}

#[cached(batch = ids, key = "users:<ids>", ttl = 3600, cache = cache, skip(cache))]
async fn users(cache: &Cache, ids: &[u64]) -> Users {
    ids.iter().map(|id| (*id, name(*id))).collect()
}

#[cached(key = "users:<id>", ttl = 3600, cache = cache, skip(cache))]
async fn user(cache: &Cache, id: u64) -> String {
    name(id)
}

/// All users, one after the other.
async fn one_by_one(cache: &Cache, ids: &[u64]) -> Users {
    let mut users = Users::with_capacity(ids.len());
    for id in ids {
        users.insert(*id, user(cache, *id).await);
    }
    users
}

/// All users, each in a task of its own.
async fn side_by_side(cache: &Cache, ids: &[u64]) -> Users {
    let tasks: Vec<_> = ids
        .iter()
        .map(|id| {
            let (cache, id) = (cache.clone(), *id);
            tokio::spawn(async move { (id, user(&cache, id).await) })
        })
        .collect();
    let mut users = Users::with_capacity(ids.len());
    for task in tasks {
        let (id, name) = task.await.expect("it does not panic");
        users.insert(id, name);
    }
    users
}

/// One way to the same answer, measured in turns.
struct Way<'a> {
    name: &'static str,
    turn: Box<dyn FnMut() + 'a>,
    micros: Vec<f64>,
}

impl<'a> Way<'a> {
    fn new<F: Future>(
        runtime: &'a tokio::runtime::Runtime,
        name: &'static str,
        call: impl Fn() -> F + 'a,
    ) -> Self {
        let turn = Box::new(move || {
            runtime.block_on(async {
                for _ in 0..TURNS {
                    black_box(call().await);
                }
            });
        });
        let micros = Vec::new();
        Self { name, turn, micros }
    }

    fn measure(&mut self) {
        let start = Instant::now();
        (self.turn)();
        let took = start.elapsed().as_secs_f64() * 1e6;
        self.micros.push(took / f64::from(TURNS));
    }

    fn median(&self) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let runtime = &runtime;
    let server = RedisServer::start(&[]);
    let redis = || Redis::connect(server.url()).expect("a url");
    let near = &Cache::builder()
        .near(Moka::default())
        .build()
        .expect("fine");
    let far = &Cache::builder().far(redis()).build().expect("fine");
    let bare = &redis();
    let ids: &Vec<u64> = &(0..ELEMENTS).collect();
    let slots: Vec<String> = ids
        .iter()
        .map(|id| format!("{}:e:users:{id}", far.namespace()))
        .collect();
    let slots: &Vec<&str> = &slots.iter().map(String::as_str).collect();

    let mut ways = [
        Way::new(runtime, "near hits: a batch", async || {
            users(near, ids).await
        }),
        Way::new(runtime, "near hits: single calls", async || {
            one_by_one(near, ids).await
        }),
        Way::new(runtime, "far hits: a batch", async || users(far, ids).await),
        Way::new(runtime, "far hits: a bare MGET of the slots", async || {
            bare.read(slots).await.expect("it is up")
        }),
        Way::new(
            runtime,
            "far hits: single calls, one after the other",
            async || one_by_one(far, ids).await,
        ),
        Way::new(
            runtime,
            "far hits: single calls, a task for each",
            async || side_by_side(far, ids).await,
        ),
    ];
    for way in &mut ways {
        (way.turn)();
    }
    for _ in 0..ROUNDS {
        ways.iter_mut().for_each(Way::measure);
    }
    println!("| 100 elements | µs |\n| --- | ---: |");
    for way in &ways {
        println!("| {} | {:.1} |", way.name, way.median());
    }
}
