//! Requests per second of cached axum handlers over HTTP on loopback, against a handler that
//! returns constant bytes, in one process and one run, and which targets that meets.
//!
//! `cargo run --release -p http-bench -- [rounds]` starts a redis-server of its own.

mod client;
mod contenders;
mod cpu;
mod page;
mod rounds;

use std::{process::ExitCode, time::Instant};

use client::{Clients, PAGES};
use contenders::{CONTENDERS, Contender};
use rounds::{median, ratio, verdict};
use test_support::RedisServer;
use tokio::{net::TcpListener, runtime::Runtime};

/// How often every contender has its turn, unless told otherwise.
const ROUNDS: usize = 31;
/// Requests of one turn.
const REQUESTS: usize = 8_000;
/// How many clients ask at the same time, each on a connection of its own.
const CLIENTS: usize = 64;

fn main() -> ExitCode {
    let rounds = std::env::args()
        .nth(1)
        .map_or(Ok(ROUNDS), |rounds| rounds.parse());
    let Ok(rounds @ 1..) = rounds else {
        eprintln!("usage: http-bench [rounds]");
        return ExitCode::FAILURE;
    };
    let redis = RedisServer::start(&[]);
    let runtime = Runtime::new().expect("threads can be had");
    runtime.block_on(run(&redis, rounds));
    ExitCode::SUCCESS
}

async fn run(redis: &RedisServer, rounds: usize) {
    let router = contenders::router(&redis.url());
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port on loopback");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut clients = Clients::connect(address, CLIENTS).await;
    println!(
        "{} bytes of JSON, {CLIENTS} clients, {REQUESTS} requests a turn, medians of {rounds} rounds\n",
        page::json(1_000).len()
    );
    let samples = measure(&mut clients, rounds).await;
    report(&samples);
    check(rounds);
}

/// The far tier was asked for every response that came from it.
fn check(rounds: usize) {
    let hits = contenders::far_hits();
    println!("\n{hits} hits in Redis");
    let least = (REQUESTS / CLIENTS * CLIENTS * rounds) as u64;
    assert!(hits >= least, "not every request went to Redis");
}

/// What was measured of one contender, round by round.
#[derive(Debug, Default)]
struct Samples {
    /// Requests per second.
    rates: Vec<f64>,
    /// Microseconds of processor time per request, the client's included.
    micros: Vec<f64>,
}

/// Every contender has a turn in every round, each time beginning with another one.
async fn measure(clients: &mut Clients, rounds: usize) -> Vec<Samples> {
    let mut samples: Vec<Samples> = CONTENDERS.iter().map(|_| Samples::default()).collect();
    for contender in &CONTENDERS {
        turn(clients, contender).await;
    }
    for round in 0..rounds {
        for turns in 0..CONTENDERS.len() {
            let at = (round + turns) % CONTENDERS.len();
            let (rate, micros) = turn(clients, &CONTENDERS[at]).await;
            samples[at].rates.push(rate);
            samples[at].micros.push(micros);
        }
    }
    samples
}

async fn turn(clients: &mut Clients, contender: &Contender) -> (f64, f64) {
    let Contender { path, apart, .. } = *contender;
    clients.ask(path, apart, CLIENTS * PAGES).await;
    let (begin, before) = (Instant::now(), cpu::time());
    clients.ask(path, apart, REQUESTS).await;
    #[expect(clippy::cast_precision_loss, reason = "few thousands")]
    let requests = REQUESTS as f64;
    let rate = requests / begin.elapsed().as_secs_f64();
    let micros = (cpu::time() - before).as_secs_f64() * 1e6 / requests;
    (rate, micros)
}

fn report(samples: &[Samples]) {
    println!("| handler | requests/s | of constant bytes | CPU µs | constant bytes of it |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (contender, own) in CONTENDERS.iter().zip(samples) {
        println!(
            "| {} | {:.0} | {:.3} | {:.2} | {:.3} |",
            contender.name,
            median(&own.rates),
            ratio(&own.rates, &samples[0].rates),
            median(&own.micros),
            ratio(&samples[0].micros, &own.micros),
        );
    }
    println!();
    for (contender, own) in CONTENDERS.iter().zip(samples) {
        if let Some(target) = contender.target {
            verdict(contender.name, ratio(&own.rates, &samples[0].rates), target);
        }
    }
}
