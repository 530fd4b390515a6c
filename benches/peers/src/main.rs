//! Measures larder against other caches in one process, and says which targets it meets.
//!
//! `cargo run --release -p peers -- near|far|prefix [rounds]`

mod load;
mod near;
mod rounds;

use std::process::ExitCode;

const USAGE: &str = "usage: peers near [rounds]

near    hits in process: larder, cached, moka, quick_cache";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let room = args.next().unwrap_or_default();
    let rounds = args.next().map(|rounds| rounds.parse::<usize>());
    match (room.as_str(), rounds) {
        ("near", None) => near::run(near::ROUNDS),
        ("near", Some(Ok(rounds))) if rounds > 0 => near::run(rounds),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
