//! What each step of a hit in process costs, in nanoseconds: `cargo run --release --example hit
//! -p cache-backends --features moka`. Medians of interleaved rounds; compare inside one run.

use std::{hint::black_box, sync::Arc, thread, time::Instant};

use cache_backends::Moka;
use cache_core::{Clock, Entry, KeyWriter, NearStore};

const KEYS: u32 = 10_000;
const CALLS: usize = 100_000;
const ROUNDS: usize = 15;

type Value = Arc<String>;

/// One step, over the whole trace.
type Step<'a> = (&'static str, &'a (dyn Fn(u32) + Sync));

fn key(id: u32) -> KeyWriter {
    let mut key = KeyWriter::new();
    key.literal("users:");
    key.part(&u64::from(id));
    key
}

fn value(entry: &Entry) -> Option<Value> {
    entry.value()?.downcast_ref::<Value>().cloned()
}

fn main() {
    let store = Moka::default();
    let alone = moka::sync::Cache::<String, Value>::new(65_536);
    for id in 0..KEYS {
        let text = key(id).as_str().to_owned();
        let value: Value = Arc::new(text.clone());
        let ttl = std::time::Duration::from_secs(3_600);
        store.insert(Arc::new(Entry::detached(
            &text,
            Arc::new(value.clone()),
            ttl,
        )));
        alone.insert(text, value);
    }
    let clock = Clock::system();
    let read = |id| {
        let mut found = None;
        store.read(key(id).key(), &mut |entry| found = value(entry));
        found
    };
    let steps: [Step<'_>; 7] = [
        ("key", &|id| drop(black_box(key(id)))),
        ("key and hash", &|id| {
            black_box(key(id).key().hash);
        }),
        ("clock", &|_| {
            black_box(clock.now());
        }),
        ("key, hash and read", &|id| {
            let mut found = false;
            store.read(key(id).key(), &mut |_| found = true);
            assert!(found);
        }),
        ("the same and the value", &|id| drop(black_box(read(id)))),
        ("the same and the clock", &|id| {
            black_box(clock.now());
            drop(black_box(read(id)));
        }),
        ("moka alone", &|id| {
            drop(black_box(alone.get(key(id).as_str())));
        }),
    ];
    println!(
        "{:24}{:>10}{:>10}{:>16}{:>16}",
        "ns a call", "zipf", "hot", "zipf, 2 threads", "hot, 2 threads"
    );
    let zipf = zipf();
    let hot = vec![7; CALLS];
    let mut table = [[(); 4]; 7].map(|row| row.map(|()| Vec::new()));
    for _ in 0..ROUNDS {
        for (row, (_, step)) in table.iter_mut().zip(&steps) {
            row[0].push(time(&zipf, *step));
            row[1].push(time(&hot, *step));
            row[2].push(time_two(&zipf, *step));
            row[3].push(time_two(&hot, *step));
        }
    }
    for (row, (name, _)) in table.into_iter().zip(&steps) {
        let [zipf, hot, zipf_two, hot_two] = row.map(median);
        println!("{name:24}{zipf:10.1}{hot:10.1}{zipf_two:16.1}{hot_two:16.1}");
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of a short run")]
fn time(trace: &[u32], step: &dyn Fn(u32)) -> f64 {
    let begun = Instant::now();
    for &id in trace {
        step(black_box(id));
    }
    begun.elapsed().as_nanos() as f64 / trace.len() as f64
}

/// The time of a call while another thread makes the same ones in another order.
fn time_two(trace: &[u32], step: &(dyn Fn(u32) + Sync)) -> f64 {
    let (one, two) = trace.split_at(trace.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| time(one, step));
        time(two, step).max(other.join().expect("it only reads"))
    })
}

/// Keys by Zipf's law with exponent 1, from a fixed seed, scattered.
fn zipf() -> Vec<u32> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect();
    let mut state = 1_u64;
    let draw = || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let draw = f64::from(u32::try_from(state >> 32).expect("32 bits")) / f64::from(u32::MAX);
        let rank = sums.partition_point(|&below| below < draw * sum);
        u32::try_from(rank).expect("a rank").wrapping_mul(7_919) % KEYS
    };
    std::iter::repeat_with(draw).take(CALLS).collect()
}
