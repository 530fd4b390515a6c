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
mod process;
mod redis;
mod single;
mod suite;

fn main() -> ExitCode {
    let mut cases = redis::cases();
    cases.extend(cluster::cases());
    cases.extend(process::cases());
    suite::run(cases)
}
