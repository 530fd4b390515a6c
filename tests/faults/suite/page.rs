//! The table of all cases: printed, and kept in the guide as it was measured.

use std::{fmt::Write, fs, time::Duration};

use super::{Row, lanes::Ended};
use crate::elsewhere;

/// The page of the guide, and what stands around its table there.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
const BEGIN: &str = "<!-- measured: written by the suite -->\n";
const END: &str = "<!-- end of what was measured -->";

const HEAD: &str = "\
| # | store | fault | calls | failed | not confirmed | added, ms | breaker open, ms | stale | back | stall | promise |
| --: | --- | --- | --: | --: | --: | --- | --- | --: | --: | --: | --- |
";

/// The table, with a line for each case.
pub(crate) fn table(ended: &[Ended<'_>]) -> String {
    let mut table = HEAD.to_owned();
    for one in ended {
        let case = one.case;
        let number = match case.number {
            0 => "-".to_owned(),
            number => number.to_string(),
        };
        let measured = match &one.row {
            Ok(row) => cells(row),
            Err(_) => "not tried | | | | | | |".to_owned(),
        };
        let (store, fault) = (case.store, case.fault);
        let promise = if one.is_ok() { "" } else { "BROKEN: " };
        let _ = writeln!(
            table,
            "| {number} | {store} | {fault} | {measured} | {promise}{} |",
            case.promise
        );
    }
    table
}

fn cells(row: &Row) -> String {
    let count = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
    let back = row.back.map_or("-".to_owned(), |back| {
        format!("{:.2} s", back.as_secs_f64())
    });
    format!(
        "{} | {} | {} | {} | {} | {} | {back} | {} ms",
        row.calls,
        row.failed,
        count(row.unconfirmed),
        row.added,
        row.open,
        count(row.stale),
        row.stall.as_millis()
    )
}

/// Puts the table into the guide, in place of the one before.
pub(crate) fn write(ended: &[Ended<'_>], took: Duration) {
    let page = fs::read_to_string(PAGE).expect("the guide has a page on faults");
    let (before, rest) = page.split_once(BEGIN).expect("the page says where");
    let (_, after) = rest.split_once(END).expect("the page says until where");
    let (cases, seconds) = (ended.len(), took.as_secs());
    let (table, elsewhere) = (table(ended), elsewhere::table());
    let page = format!(
        "{before}{BEGIN}\n{cases} cases in {seconds} s, side by side on two virtual processors:\n\n\
         {table}\nWhat needs no server, or a look inside, is shown by other tests:\n\n{elsewhere}\n\
         {END}{after}"
    );
    fs::write(PAGE, page).expect("the guide can be written");
}
