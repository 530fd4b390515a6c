//! What a case is, and how the asked ones are run: in lanes, each case with a runtime and servers
//! of its own, and told at the end as a table.

use std::{
    pin::Pin,
    process::ExitCode,
    time::{Duration, Instant},
};

pub(crate) use self::row::{Row, Times};
use self::{
    asked::Asked,
    lanes::{Ended, in_lanes},
};
use crate::elsewhere;

mod asked;
mod lanes;
mod page;
mod row;

/// No case takes longer.
const LIMIT: Duration = Duration::from_secs(60);

type Running = Pin<Box<dyn Future<Output = Row>>>;

/// One fault of one store, and what must hold under it.
pub(crate) struct Case {
    number: u8,
    store: &'static str,
    fault: &'static str,
    promise: &'static str,
    run: Box<dyn Fn() -> Running + Send + Sync>,
}

impl Case {
    /// `number` is that of the list, zero for what the list does not have; `fault` is unique
    /// within its number and store. `run` starts its own servers and fills a row; a panic means
    /// that the case could not be tried.
    pub(crate) fn new<F: Future<Output = Row> + 'static>(
        number: u8,
        store: &'static str,
        fault: &'static str,
        promise: &'static str,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self {
            number,
            store,
            fault,
            promise,
            run: Box::new(move || Box::pin(run())),
        }
    }

    /// Where it stands among the cases of its store.
    pub(crate) fn place(&self) -> u8 {
        self.number.wrapping_sub(1)
    }

    /// What it is called where tests are named: `redis::08_killed_back_after_2_s`.
    fn name(&self) -> String {
        let mut words = String::new();
        for word in self.fault.split(|c: char| !c.is_ascii_alphanumeric()) {
            if !word.is_empty() {
                words.push('_');
                words.push_str(&word.to_ascii_lowercase());
            }
        }
        let (store, number) = (self.store, self.number);
        format!("{store}::{number:02}{words}")
    }
}

/// Runs the cases that the command line asks for.
pub(crate) fn run(cases: Vec<Case>) -> ExitCode {
    let asked = Asked::from_command_line();
    let all = cases.len();
    let cases: Vec<Case> = cases.into_iter().filter(|case| asked.asks(case)).collect();
    if asked.list {
        for case in &cases {
            println!("{}: test", case.name());
        }
        return ExitCode::SUCCESS;
    }
    let lost = elsewhere::lost();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    println!("\nrunning {} tests", cases.len());
    let began = Instant::now();
    let ended = in_lanes(&cases, asked.lanes);
    let took = began.elapsed();
    let is_ok = tell(&ended, took, all - ended.len());
    if asked.update && is_ok && ended.len() == all {
        page::write(&ended, took);
    }
    ExitCode::from(if is_ok { 0 } else { 101 })
}

/// Prints what was found, and returns whether all is well.
fn tell(ended: &[Ended<'_>], took: Duration, left: usize) -> bool {
    let failed: Vec<_> = ended.iter().filter(|one| !one.is_ok()).collect();
    for one in &failed {
        println!("\n---- {} ----\n{}", one.case.name(), one.broken());
    }
    if !ended.is_empty() {
        println!("\n{}", page::table(ended));
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    // As cargo's own test programs say it, so that whoever adds up can.
    println!(
        "\ntest result: {word}. {} passed; {} failed; 0 ignored; 0 measured; {left} filtered out; \
         finished in {:.2}s\n",
        ended.len() - failed.len(),
        failed.len(),
        took.as_secs_f64()
    );
    failed.is_empty()
}
