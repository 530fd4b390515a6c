//! Measures larder against other caches in one process, and says which targets it meets.
//!
//! `cargo run --release -p peers -- near|far|prefix|codec [rounds]`

mod codec;
mod far;
mod load;
mod near;
mod prefix;
mod rounds;

use std::{num::NonZeroUsize, process::ExitCode};

/// How often every contender has its turn, unless told otherwise.
const ROUNDS: NonZeroUsize = NonZeroUsize::new(31).expect("not zero");

const USAGE: &str = "usage: peers near|far|prefix|codec [rounds]

near    hits in process: larder, cached, moka, quick_cache
far     hits in Redis: larder, raw GET, raw MGET
prefix  invalidation of a prefix over a million keys in Redis
codec   values to bytes and back: larder, postcard, bincode

far and prefix start a redis-server of their own.";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let room = args.next().unwrap_or_default();
    let rounds = args.next().map_or(Ok(ROUNDS), |rounds| rounds.parse());
    match (room.as_str(), rounds) {
        ("near", Ok(rounds)) => near::run(rounds.get()),
        ("far", Ok(rounds)) => far::run(rounds.get()),
        ("prefix", Ok(rounds)) => prefix::run(rounds.get()),
        ("codec", Ok(rounds)) => codec::run(rounds.get()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
