//! P3 with a server that is away, or there without working.

use tokio::{task::block_in_place, time::sleep};

use super::{Server, case, far};
use crate::{
    driver::{PROMISE, Trial, millis},
    suite::{Case, Row},
};

pub(super) fn cases<S: Server>() -> Vec<Case> {
    let first = "away at the first use, back after 1 s";
    vec![
        case::<S, _>(8, "killed, back after 2 s", PROMISE, killed::<S>),
        case::<S, _>(9, "killed, away for 6 s", PROMISE, away::<S>),
        case::<S, _>(10, "stopped for 4 s", PROMISE, stopped::<S>),
        case::<S, _>(0, first, PROMISE, not_yet::<S>),
    ]
}

async fn killed<S: Server>() -> Row {
    let server = S::start();
    let trial = Trial::healthy(&far(&server)).await;
    let outage = trial.begin();
    block_in_place(|| server.kill());
    sleep(millis(2_000)).await;
    block_in_place(|| server.restart());
    outage.over().await
}

async fn away<S: Server>() -> Row {
    let server = S::start();
    let trial = Trial::healthy(&far(&server)).await;
    let outage = trial.begin();
    block_in_place(|| server.kill());
    sleep(millis(6_000)).await;
    let given_up = outage.is_given_up();
    block_in_place(|| server.restart());
    let mut row = outage.over().await;
    row.must(given_up, || "the breaker is closed after 6 s".to_owned());
    row
}

async fn stopped<S: Server>() -> Row {
    let server = S::start();
    let trial = Trial::healthy(&far(&server)).await;
    let outage = trial.begin();
    block_in_place(|| server.stop());
    sleep(millis(4_000)).await;
    let given_up = outage.is_given_up();
    block_in_place(|| server.cont());
    let mut row = outage.over().await;
    row.must(given_up, || "the breaker is closed after 4 s".to_owned());
    row
}

async fn not_yet<S: Server>() -> Row {
    let server = S::start();
    block_in_place(|| server.kill());
    let trial = Trial::broken(&far(&server));
    let outage = trial.began();
    sleep(millis(1_000)).await;
    block_in_place(|| server.restart());
    outage.over().await
}
