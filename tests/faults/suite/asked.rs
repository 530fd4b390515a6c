//! What the command line and the environment ask for, in the words of cargo's own test programs.

use std::env;

use super::Case;

/// How many cases run side by side; most of the time most of them wait.
const LANES: usize = 5;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Only say which cases there are.
    pub(crate) list: bool,
    pub(crate) lanes: usize,
    /// Write what was measured into the guide.
    pub(crate) update: bool,
    exact: bool,
    filters: Vec<String>,
    skipped: Vec<String>,
}

impl Asked {
    /// Reads `FAULT_LANES`, `UPDATE_FAULTS` and the arguments. Words are parts of names; a number
    /// is a case of the list. What says how to print is understood and does nothing.
    pub(crate) fn from_command_line() -> Self {
        let lanes = env::var("FAULT_LANES").ok();
        let mut asked = Self {
            list: false,
            lanes: lanes.and_then(|lanes| lanes.parse().ok()).unwrap_or(LANES),
            update: env::var_os("UPDATE_FAULTS").is_some(),
            exact: false,
            filters: Vec::new(),
            skipped: Vec::new(),
        };
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => asked.list = true,
                "--exact" => asked.exact = true,
                "--skip" => asked.skipped.extend(args.next()),
                "--test-threads" => {
                    let lanes = args.next().and_then(|lanes| lanes.parse().ok());
                    asked.lanes = lanes.unwrap_or(asked.lanes);
                }
                "--format" | "--color" | "--logfile" => drop(args.next()),
                option if option.starts_with('-') => {}
                _ => asked.filters.push(arg),
            }
        }
        asked.lanes = asked.lanes.max(1);
        asked
    }

    pub(crate) fn asks(&self, case: &Case) -> bool {
        let named = |filter: &String| match filter.parse::<u8>() {
            Ok(number) => case.number == number,
            Err(_) if self.exact => case.name() == *filter,
            Err(_) => case.name().contains(filter.as_str()),
        };
        (self.filters.is_empty() || self.filters.iter().any(named))
            && !self.skipped.iter().any(named)
    }
}
