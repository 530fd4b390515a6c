//! The fault suite: what goes wrong with a store, on real servers and through the facade alone,
//! what that costs those who call, and what must hold all the same.
//!
//! ```text
//! cargo test -p faults                     all cases, in lanes (FAULT_LANES=5), and their table
//! cargo test -p faults -- 8 silent         case 8, and those with `silent` in their name
//! UPDATE_FAULTS=1 cargo test -p faults     also writes the table into docs/faults.md
//! ```

use std::process::ExitCode;

mod cluster;
mod driver;
mod elsewhere;
mod memcached;
mod process;
mod redis;
mod sentinel;
mod single;
mod suite;

use suite::Case;

fn main() -> ExitCode {
    if process::was_a_writer() {
        return ExitCode::SUCCESS;
    }
    let stores = [
        redis::cases(),
        sentinel::cases(),
        cluster::cases(),
        memcached::cases(),
        process::cases(),
    ];
    let cases = stores.into_iter().flat_map(|mut cases| {
        // What the list does not have comes last.
        cases.sort_by_key(Case::place);
        cases
    });
    suite::run(cases.collect())
}
