//! P1 over a line or a server that fails, and the naive protocol, which must be found stale.

use std::{sync::Arc, thread};

use test_support::{Fault, Links, Random, Way};
use tokio::{task::block_in_place, time::sleep};

use super::{Server, behind_a_proxy, case, far};
use crate::{
    driver::{Far, NOT_REPEATED, RACE, Race, build, millis, often},
    suite::{Case, Row},
};

pub(super) fn cases<S: Server>() -> Vec<Case> {
    let heard = "P1, P3, told as errors";
    vec![
        case::<S, _>(1, "none, the naive protocol", "found stale", control::<S>),
        case::<S, _>(2, "none", "P1, hit ratio over 50 %", || {
            calm::<S>(Race::far_only)
        }),
        case::<S, _>(2, "none, both tiers", "P1, hit ratio over 50 %", || {
            calm::<S>(Race::both)
        }),
        case::<S, _>(
            7,
            "links reset every 300 ms",
            "P1, gaps under 200 ms",
            reset::<S>,
        ),
        case::<S, _>(10, "stopped for 2.5 s under load", "P1, P3", stopped::<S>),
        case::<S, _>(11, "stopped for moments, 20 ms budget", "P1", blinking::<S>),
        case::<S, _>(
            18,
            "replies cut in the middle",
            "P1, P3, no panic",
            cut::<S>,
        ),
        case::<S, _>(19, "replies lost, requests done", heard, unheard::<S>),
    ]
}

async fn control<S: Server>() -> Row {
    let server = S::start();
    let naive = Race::with(server.naive());
    naive.run(RACE, async {}).await.found()
}

async fn calm<S: Server>(race: fn(&Far) -> Arc<Race>) -> Row {
    let server = S::start();
    // Seldom enough for hits, also on a machine that is busy with all else.
    let race = race(&far(&server));
    let raced = race.run_writing(millis(100), RACE, async {}).await;
    let mut row = raced.fresh();
    row.must(raced.report.hit_ratio() > 0.5, || raced.report.to_string());
    raced.confirmed(&mut row);
    row
}

async fn reset<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let reset = often(millis(300), || proxy.reset_links());
    Race::hasty(&far).run_without_gaps(RACE, reset).await
}

/// Stores that were sent before the server stopped arrive when it wakes.
async fn stopped<S: Server>() -> Row {
    let server = S::start();
    let race = Race::hasty(&far(&server));
    let stop = async {
        sleep(RACE / 4).await;
        block_in_place(|| server.stop());
        sleep(RACE / 2).await;
        block_in_place(|| server.cont());
    };
    let raced = race.run(RACE, stop).await;
    let mut row = raced.fresh();
    row.must(raced.run.failed > 0, || {
        "no invalidation noticed".to_owned()
    });
    raced.in_time(&mut row);
    row
}

async fn blinking<S: Server>() -> Row {
    let server = S::start();
    let cache = || far(&server).hasty().outage_budget(millis(20));
    let race = Race::of((0..4).map(|_| build(cache())));
    let mut random = Random::new(11);
    let stop = often(millis(100), || {
        server.stop();
        thread::sleep(random.up_to(millis(60)));
        server.cont();
    });
    let raced = race.run(RACE, stop).await;
    let mut row = raced.fresh();
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "nothing timed out".to_owned());
    row
}

async fn cut<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let race = Race::hasty(&far);
    let mut random = Random::new(18);
    let cut = often(millis(50), || {
        proxy.set(Fault::CutReplies(random.below(400)));
    });
    let raced = race.run(RACE, cut).await;
    let mut row = raced.fresh();
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "no reply was cut".to_owned());
    raced.in_time(&mut row);
    row
}

async fn unheard<S: Server>() -> Row {
    let (_server, proxy, far) = behind_a_proxy::<S>();
    let race = Race::hasty(&far);
    let lose = often(millis(900), || {
        proxy.set(Fault::Swallow {
            links: Links::Established,
            way: Way::Replies,
        });
    });
    let raced = race.run(RACE, lose).await;
    proxy.set(Fault::None);
    let mut row = raced.fresh();
    row.must(raced.run.failed > 0, || "each was confirmed".to_owned());
    raced.in_time(&mut row);
    row.back = race.repeated().await;
    row.must(row.back.is_some(), || NOT_REPEATED.to_owned());
    row
}
