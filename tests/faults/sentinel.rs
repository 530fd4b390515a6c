//! The cases of a master with two replicas, watched by three sentinels.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use larder::Moka;
use test_support::{Mix, Naive, RedisServer, SentinelGroup};
use tokio::{
    task::{block_in_place, spawn_blocking},
    time::sleep,
};

use crate::{
    driver::{Far, NEVER, NOT_REPEATED, PROMISE, RACE, Race, Trial, build, millis, often},
    suite::{Case, Row},
};

/// How long a race lasts in which a replica is put in the master's place.
const LONG: Duration = Duration::from_secs(8);

/// After how much silence a master that was struck is doubted.
const DOUBT: Duration = Duration::from_secs(1);
/// For how long processes may speak to different masters.
const APART: Duration = Duration::from_secs(2);

/// What is done to the group, or to a server of it.
type Strike = fn(&SentinelGroup);
type Later = fn(&RedisServer);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(1, "none, the naive protocol", "found stale", control),
        case(2, "none", "P1, no error", calm),
        case(27, "the master killed", PROMISE, || gone(kill)),
        case(
            27,
            "the master killed, and later a replica, under load",
            "P1, P3",
            || raced(Race::hasty, kill, RedisServer::restart),
        ),
        case(27, "the same, both tiers", "P1, P3", || {
            raced(both, kill, RedisServer::restart)
        }),
        case(28, "the master stopped", PROMISE, || gone(stop)),
        case(
            28,
            "the master stopped, and later again there, under load",
            "P1, P3",
            || raced(Race::hasty, stop, RedisServer::cont),
        ),
        case(
            29,
            "the replicas stopped for moments",
            "P1, told as errors",
            alone,
        ),
        case(29, "the master asked to give way", PROMISE, given_way),
        case(
            29,
            "the same again and again under load, one process",
            "P1, P3",
            || switched(false),
        ),
        case(
            29,
            "the same, four processes",
            "stale for 2 s at most, P3",
            || switched(true),
        ),
    ]
}

fn case<F: Future<Output = Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, "sentinel", fault, promise, run)
}

fn kill(group: &SentinelGroup) {
    group.master().kill();
}

fn stop(group: &SentinelGroup) {
    group.master().stop();
}

/// One process with both tiers.
fn both(far: &Far) -> Arc<Race> {
    Race::of([build(far.hasty().near(Moka::default()))])
}

async fn start() -> (Arc<SentinelGroup>, Far) {
    let group = spawn_blocking(|| SentinelGroup::start(2)).await;
    let group = group.expect("a group starts");
    let far = Far::Redis(group.url());
    let group = Arc::new(group);
    group.believe_in(6 * NEVER);
    (group, far)
}

async fn control() -> Row {
    let (group, _) = start().await;
    let naive = Naive::new(group.master().addr(), Mix::default().keys);
    Race::with(naive).run(RACE, async {}).await.found()
}

async fn calm() -> Row {
    let (_group, far) = start().await;
    let raced = Race::far_only(&far).run(RACE, async {}).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    row
}

/// Strikes the master, waits until another has its place, and gives the moment of that.
async fn switch(group: &Arc<SentinelGroup>, strike: Strike) -> Instant {
    let group = Arc::clone(group);
    let switched = spawn_blocking(move || {
        let old = Arc::clone(group.master());
        strike(&group);
        group.believe_in(DOUBT);
        let switched = group.await_switch(&old);
        group.believe_in(6 * NEVER);
        switched
    });
    switched.await.expect("a replica is put in its place")
}

async fn gone(strike: Strike) -> Row {
    let (group, far) = start().await;
    let trial = Trial::healthy(&far).await;
    let outage = trial.begin();
    let switched = switch(&group, strike).await;
    outage.over_since(switched, trial.used()).await
}

/// The new master is found before the old one is none.
async fn given_way() -> Row {
    let (group, far) = start().await;
    let trial = Trial::healthy(&far).await;
    let outage = trial.begin().maybe_harmless();
    let switched = switch(&group, SentinelGroup::fail_over).await;
    outage.over_since(switched, trial.used()).await
}

async fn raced(race: fn(&Far) -> Arc<Race>, strike: Strike, later: Later) -> Row {
    let (group, far) = start().await;
    let race = race(&far);
    let old = Arc::clone(group.master());
    let fault = async {
        sleep(millis(1_000)).await;
        switch(&group, strike).await;
        sleep(millis(1_000)).await;
        block_in_place(|| later(&old));
    };
    let raced = race.run(LONG, fault).await;
    let mut row = raced.fresh();
    raced.in_time(&mut row);
    row.must(raced.run.failed > 0, || "nothing was hit".to_owned());
    row
}

/// While replicas hang nobody confirms an invalidation.
async fn alone() -> Row {
    let (group, far) = start().await;
    let race = Race::hasty(&far);
    let hang = often(millis(600), || {
        let each = |strike: Later| group.replicas().into_iter().for_each(|one| strike(one));
        each(RedisServer::stop);
        thread::sleep(millis(400));
        each(RedisServer::cont);
    });
    let raced = race.run(RACE, hang).await;
    let mut row = raced.fresh();
    row.must(raced.run.failed > 0, || "each was confirmed".to_owned());
    row.back = race.repeated().await;
    row.must(row.back.is_some(), || NOT_REPEATED.to_owned());
    row
}

/// The master lives, and is asked to give way, again and again: both take writes for a while. One
/// process goes from the one to the other at once; several do not know of each other, so one may
/// still read from the old master what another has invalidated on the new one.
async fn switched(several: bool) -> Row {
    let (group, far) = start().await;
    let race = if several {
        Race::hasty(&far)
    } else {
        Race::of([build(far.hasty())])
    };
    let switching = async {
        loop {
            sleep(millis(500)).await;
            switch(&group, SentinelGroup::fail_over).await;
        }
    };
    let raced = race.run(LONG, switching).await;
    let mut row = if several { raced.row() } else { raced.fresh() };
    let oldest = raced.report.oldest;
    row.back = several.then_some(oldest);
    row.must(oldest < APART + 2 * row.stall, || raced.report.to_string());
    raced.in_time(&mut row);
    row.must(raced.run.failed > 0, || "nothing was hit".to_owned());
    row
}
