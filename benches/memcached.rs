//! What a hit in memcached costs beside a bare multiplexed connection that fetches the same names:
//! `cargo bench --bench memcached --features memcached`. Values of 200 bytes, contenders in turns,
//! medians of the rounds. The memcached is started here.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use larder::{Backend, Cache, Memcached, cached};
use serde::{Deserialize, Serialize};
use test_support::{MemcachedServer, Random};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::{mpsc, oneshot},
};

const ROUNDS: usize = 15;
const KEYS: u64 = 10_000;
/// How many callers there are, and how many calls they make together in one turn.
const LOADS: [(usize, usize); 3] = [(1, 2_000), (64, 32_000), (256, 64_000)];

/// How often the function behind the cache has run.
static LOADED: AtomicU64 = AtomicU64::new(0);

/// What is kept: 200 bytes, encoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    id: u64,
    score: f64,
    tags: Vec<u32>,
    about: String,
}

#[cached(key = "profiles:<id>", ttl = 3600, cache = cache, skip(cache))]
async fn profile(cache: &Cache, id: u64) -> Profile {
    LOADED.fetch_add(1, Ordering::Relaxed);
    Profile {
        id,
        score: 0.5,
        tags: vec![1, 2, 3, 4, 5, 6, 7, 8],
        about: "x".repeat(180),
    }
}

type Values = Vec<Vec<u8>>;

/// The least that lets many callers share a connection: no deadline, no limit, no second try.
#[derive(Debug, Clone)]
struct Bare(mpsc::UnboundedSender<(Vec<u8>, usize, oneshot::Sender<Values>)>);

impl Bare {
    async fn connect(server: &MemcachedServer) -> Self {
        let stream = TcpStream::connect(server.addr()).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket takes options");
        let (reading, mut writing) = stream.into_split();
        let (calls, mut queue) = mpsc::unbounded_channel();
        let (asked, expected) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (mut batch, mut out) = (Vec::new(), Vec::new());
            while queue.recv_many(&mut batch, 512).await > 0 {
                for (request, count, answer) in batch.drain(..) {
                    let request: Vec<u8> = request;
                    out.extend_from_slice(&request);
                    let _ = asked.send((count, answer));
                }
                writing.write_all(&out).await.expect("the server runs");
                out.clear();
            }
        });
        tokio::spawn(read(reading, expected));
        Self(calls)
    }

    async fn get(&self, names: &[&str]) -> Values {
        let mut request = Vec::new();
        for name in names {
            request.extend_from_slice(b"mg ");
            request.extend_from_slice(name.as_bytes());
            request.extend_from_slice(b" v\r\n");
        }
        let (answer, values) = oneshot::channel();
        let _ = self.0.send((request, names.len(), answer));
        values.await.expect("the server runs")
    }
}

type Waiting = mpsc::UnboundedReceiver<(usize, oneshot::Sender<Values>)>;

/// Gives out values; whatever else comes is not expected.
async fn read(mut stream: OwnedReadHalf, mut waiting: Waiting) {
    let mut bytes = Vec::with_capacity(1 << 16);
    let mut values: VecDeque<Vec<u8>> = VecDeque::new();
    let mut first = None;
    while stream.read_buf(&mut bytes).await.expect("the server runs") > 0 {
        let mut used = 0;
        while let Some(end) = bytes[used..].iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&bytes[used..used + end - 1]).expect("a line");
            let length = line.strip_prefix("VA ").expect("a value").parse();
            let (start, length): (_, usize) = (used + end + 1, length.expect("a length"));
            if bytes.len() < start + length + 2 {
                break;
            }
            values.push_back(bytes[start..start + length].to_vec());
            used = start + length + 2;
        }
        bytes.drain(..used);
        loop {
            let next = first.take().or_else(|| waiting.try_recv().ok());
            let Some((count, answer)) = next else { break };
            if values.len() < count {
                first = Some((count, answer));
                break;
            }
            let _ = answer.send(values.drain(..count).collect());
        }
    }
}

/// One way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    BareValue,
    StoreValue,
    BareHit,
    StoreHit,
    Function,
}

impl Way {
    const ALL: [Self; 5] = [
        Self::BareValue,
        Self::StoreValue,
        Self::BareHit,
        Self::StoreHit,
        Self::Function,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::BareValue => "bare connection, the value alone",
            Self::StoreValue => "`Memcached::read`, the value alone",
            Self::BareHit => "bare connection, the value and its stamps",
            Self::StoreHit => "`Memcached::read`, the value and its stamps",
            Self::Function => "`#[cached]`, far tier only",
        }
    }
}

#[derive(Debug, Clone)]
struct Bench {
    bare: Bare,
    store: Memcached,
    cache: Cache,
}

impl Bench {
    async fn call(&self, way: Way, id: u64) {
        let name = format!("larder:e:profiles:{id}");
        let names = [&*name, "larder:g:n", "larder:g:p:profiles"];
        match way {
            Way::BareValue => assert_eq!(self.bare.get(&names[..1]).await.len(), 1),
            Way::BareHit => assert_eq!(self.bare.get(&names).await.len(), 3),
            Way::StoreValue => {
                let read = self.store.read(&names[..1]).await.expect("it answers");
                assert!(read[0].is_some());
            }
            Way::StoreHit => {
                let read = self.store.read(&names).await.expect("it answers");
                assert!(read.iter().all(Option::is_some));
            }
            Way::Function => assert_eq!(profile(&self.cache, id).await.id, id),
        }
    }
}

/// Thousands of calls a second, of so many callers together.
async fn rate(bench: &Bench, way: Way, callers: usize, calls: usize) -> f64 {
    let start = Instant::now();
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let (bench, calls) = (bench.clone(), calls / callers);
            tokio::spawn(async move {
                let mut random = Random::new(caller as u64);
                for _ in 0..calls {
                    bench.call(way, random.bits() % KEYS).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no call fails");
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let calls = calls as f64;
    calls / start.elapsed().as_secs_f64() / 1e3
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The median of the ratios round by round: what disturbs a round disturbs both.
fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(ours.iter().zip(theirs).map(|(a, b)| a / b).collect())
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let server = MemcachedServer::start(&[]);
    let patience = Duration::from_secs(5);
    let builder = Memcached::builder([server.address()]).deadline(patience);
    let store = builder.build().expect("the settings are in order");
    let cache = Cache::builder().far(store.clone()).outage_budget(patience);
    let bench = Arc::new(Bench {
        bare: Bare::connect(&server).await,
        store,
        cache: cache.build().expect("the settings are in order"),
    });
    for id in 0..KEYS {
        profile(&bench.cache, id).await;
    }
    let loaded = LOADED.load(Ordering::Relaxed);
    println!(
        "| contender | callers | kops/s | of the bare connection |\n| --- | ---: | ---: | ---: |"
    );
    for (callers, calls) in LOADS {
        let bench = Arc::clone(&bench);
        let measured = tokio::spawn(async move {
            let mut rates: [Vec<f64>; 5] = Default::default();
            for round in 0..ROUNDS {
                for turn in 0..Way::ALL.len() {
                    let at = (round + turn) % Way::ALL.len();
                    rates[at].push(rate(&bench, Way::ALL[at], callers, calls).await);
                }
            }
            rates
        });
        let rates = measured.await.expect("no call fails");
        for (at, way) in Way::ALL.into_iter().enumerate() {
            let floor = &rates[if at < 2 { 0 } else { 2 }];
            let (name, share) = (way.name(), ratio(&rates[at], floor));
            println!(
                "| {name} | {callers} | {:.1} | {share:.2} |",
                median(rates[at].clone())
            );
        }
    }
    assert_eq!(
        LOADED.load(Ordering::Relaxed),
        loaded,
        "only hits are measured"
    );
}
