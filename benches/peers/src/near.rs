//! Hits in process: `users:<id>` made from a `u64` on every call, an `Arc<User>` handed out,
//! bounded, with a ttl.

mod contenders;

use std::{
    hint::black_box,
    sync::Barrier,
    time::{Duration, Instant},
};

use contenders::{CONTENDERS, Contender};

use crate::{
    load::{KEYS, Workload},
    rounds::{Target, median, ratio, verdict},
};

/// Calls of one turn.
const CALLS: usize = 200_000;

/// The contender that is compared, and the one it is compared with.
const OURS: &str = "larder #[cached]";
const THEIRS: &str = "cached #[concurrent_cached], async";

/// Nanoseconds per call: `samples[contender][round]`.
type Samples = Vec<Vec<f64>>;

/// Measures and prints everything about hits in process.
pub(crate) fn run(rounds: usize) {
    println!(
        "hits in process, {KEYS} resident keys, {CALLS} calls a turn, medians of {rounds} rounds\n"
    );
    let tables = Workload::ALL.map(|workload| {
        let alone = measure(workload, rounds, 1);
        let pair = measure(workload, rounds, 2);
        (workload, alone, pair)
    });
    print_header();
    for (at, contender) in CONTENDERS.iter().enumerate() {
        print!("| {} |", contender.name);
        for (_, alone, _) in &tables {
            print!(" {:.1} |", median(&alone[at]));
        }
        for (_, _, pair) in &tables {
            print!(" {:.1} |", 1e3 / median(&pair[at]));
        }
        println!();
    }
    println!("\n{OURS} against {THEIRS}, medians of the ratios of each round:");
    let targets = [Some(0.65), None, Some(0.6)];
    for ((workload, alone, pair), target) in tables.iter().zip(targets) {
        let time = ratio(named(alone, OURS), named(alone, THEIRS));
        // Times per call of both threads together: the throughput's ratio is its inverse.
        let throughput = ratio(named(pair, THEIRS), named(pair, OURS));
        let name = workload.name();
        let Some(target) = target else {
            println!("{name}, time of a hit: {time:.2}; two threads, throughput: {throughput:.2}");
            continue;
        };
        verdict(
            &format!("{name}, time of a hit"),
            time,
            Target::AtMost(target),
        );
        let what = format!("{name}, two threads, throughput");
        verdict(&what, throughput, Target::AtLeast(1.6));
    }
}

fn print_header() {
    print!("| contender |");
    for workload in Workload::ALL {
        print!(" ns {} |", workload.name());
    }
    for workload in Workload::ALL {
        print!(" Mops/s 2T {} |", workload.name());
    }
    println!("\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
}

fn named<'a>(samples: &'a Samples, name: &str) -> &'a [f64] {
    let at = CONTENDERS
        .iter()
        .position(|contender| contender.name == name);
    &samples[at.expect("both are in the table")]
}

/// Lets every contender have a turn in every round, on `threads` threads at once, each time
/// beginning with another one.
fn measure(workload: Workload, rounds: usize, threads: usize) -> Samples {
    let ids: Vec<Vec<u64>> = (0..threads)
        .map(|thread| workload.ids(CALLS, thread as u64 + 1))
        .collect();
    let mut samples: Samples = vec![Vec::with_capacity(rounds); CONTENDERS.len()];
    for round in 0..rounds {
        for turn in 0..CONTENDERS.len() {
            let at = (round + turn) % CONTENDERS.len();
            samples[at].push(turn_of(&CONTENDERS[at], &ids));
        }
    }
    samples
}

/// Nanoseconds per call: the time of the whole turn over the calls of all threads.
fn turn_of(contender: &Contender, ids: &[Vec<u64>]) -> f64 {
    let all: Vec<u64> = (0..KEYS).collect();
    let barrier = Barrier::new(ids.len());
    let slowest = std::thread::scope(|scope| {
        let threads: Vec<_> = ids
            .iter()
            .map(|ids| {
                let (barrier, all) = (&barrier, &all);
                scope.spawn(move || {
                    // Every key is resident, in what this thread keeps for itself too.
                    contender.call(all);
                    contender.call(&ids[..ids.len() / 10]);
                    barrier.wait();
                    let start = Instant::now();
                    contender.call(black_box(ids));
                    start.elapsed()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a contender does not panic"))
            .max()
            .unwrap_or(Duration::MAX)
    });
    let calls = ids.iter().map(Vec::len).sum::<usize>();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let nanos = slowest.as_nanos() as f64 / calls as f64;
    nanos
}
