//! What each way through larder costs in process, without a server: `cargo bench --bench paths`.
//! Nanoseconds per call, medians of interleaved rounds. Comparisons with other caches are in
//! `benches/peers`.

use std::{
    future::Future,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use larder::{Cache, Moka, cached};

const ROUNDS: usize = 15;
const CALLS: u64 = 20_000;
/// How many keys are resident.
const KEYS: u64 = 1_000;

#[cached(ttl = 600, key = "shared:<id>")]
async fn shared(id: u64) -> Arc<String> {
    Arc::new(format!("value {id}"))
}

#[cached(ttl = 600, key = "owned:<id>")]
async fn owned(id: u64) -> String {
    format!("value {id}")
}

#[cached(ttl = 600)]
async fn default_key(id: u64) -> Arc<String> {
    Arc::new(format!("value {id}"))
}

#[cached(ttl = 600, key = "fallible:<id>")]
async fn fallible(id: u64) -> Result<Arc<String>, ()> {
    Ok(Arc::new(format!("value {id}")))
}

#[cached(ttl = 600, key = "tagged:<id>", tags = ["tag:<id>", "tags"])]
async fn tagged(id: u64) -> Arc<String> {
    Arc::new(format!("value {id}"))
}

// In a cache of its own: newcomers would push out what the other ways hit.
#[cached(ttl = 600, key = "cold:<id>", cache = "cold")]
async fn cold(id: u64) -> u64 {
    id
}

/// A key that nobody has asked for yet.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Measures one way: `call` is awaited in place, with ids that come round. Its first turn fills
/// the cache.
struct Way<'a> {
    name: &'static str,
    turn: Box<dyn FnMut() + 'a>,
    nanos: Vec<f64>,
}

impl<'a> Way<'a> {
    fn new<F: Future>(
        runtime: &'a tokio::runtime::Runtime,
        name: &'static str,
        call: impl Fn(u64) -> F + 'a,
    ) -> Self {
        let turn = Box::new(move || {
            runtime.block_on(async {
                for id in 0..CALLS {
                    black_box(call(black_box(id * 7 % KEYS)).await);
                }
            });
        });
        let nanos = Vec::new();
        Self { name, turn, nanos }
    }

    fn measure(&mut self) {
        let start = Instant::now();
        (self.turn)();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        self.nanos
            .push(start.elapsed().as_nanos() as f64 / CALLS as f64);
    }

    fn median(&self) -> f64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

fn main() {
    // Cargo passes `--bench`; anything else is not for us.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let runtime = &runtime;
    let cache = Cache::builder()
        .namespace("bench")
        .near(Moka::default())
        .build();
    let cache = &cache.expect("the settings are right");
    let own = Cache::builder()
        .namespace("cold")
        .near(Moka::default())
        .build();
    own.and_then(|own| own.register("cold"))
        .expect("the settings are right");
    let keys: Vec<String> = (0..KEYS).map(|id| format!("hand:{id}")).collect();
    let key = |id: u64| keys[usize::try_from(id).expect("few keys")].as_str();

    let mut ways = [
        Way::new(runtime, "hit, Arc", shared),
        Way::new(runtime, "hit, a String cloned", owned),
        Way::new(runtime, "hit, Result of an Arc", fallible),
        Way::new(runtime, "hit, default key", default_key),
        Way::new(runtime, "hit, two tags", tagged),
        Way::new(runtime, "Cache::set, then get", async |id| {
            cache
                .set(key(id), &id)
                .await
                .expect("no far tier, no failure");
            cache
                .get::<u64>(key(id))
                .await
                .expect("no far tier, no failure")
        }),
        Way::new(runtime, "miss: load and store", |_| cold(fresh())),
        Way::new(runtime, "remove_prefix", async |_| {
            cache
                .remove_prefix("nobody")
                .await
                .expect("no far tier, no failure");
        }),
    ];
    for way in &mut ways {
        (way.turn)();
    }
    for _ in 0..ROUNDS {
        ways.iter_mut().for_each(Way::measure);
    }
    println!("| way | ns |\n| --- | ---: |");
    for way in &ways {
        println!("| {} | {:.1} |", way.name, way.median());
    }
}
