//! A user of the server that lacks a right: what needs it fails and is told as refused, the rest
//! goes on, and nothing old is read.

use std::time::Instant;

use larder::{ErrorKind, Moka, policy::NEAR_CAP_UNFED};
use test_support::RedisServer;
use tokio::time::sleep;

use super::{case, far};
use crate::{
    driver::{NEVER, NOT_REPEATED, RACE, Race, SLACK, Watch, build, millis, often, version},
    suite::{Case, Row},
};

pub(super) fn cases() -> Vec<Case> {
    let in_turn = "no right to UNLINK, EVAL, PUBLISH, MGET in turn";
    let cold = "P1, no hit, no failed invalidation";
    vec![
        case(22, in_turn, "P1, told as refused", powerless),
        case(
            22,
            "no right to SUBSCRIBE and TRACKING",
            "near values live for 5 s",
            unfed,
        ),
        case(22, "no right to EVAL, under load", cold, without_scripts),
        case(
            22,
            "no right to TRACKING, both tiers, under load",
            "P1, no error",
            untracked,
        ),
    ]
}

/// Nothing can be stored in the far tier, and all else goes on.
async fn without_scripts() -> Row {
    let server = RedisServer::start(&[]);
    server.raw(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]);
    let race = Race::far_only(&far(&server));
    let raced = race.run(RACE, async {}).await;
    let mut row = raced.row();
    let (stale, hits) = (raced.report.stale, race.sum(|stats| stats.far_hits));
    row.must(stale == 0 && hits == 0, || raced.report.to_string());
    raced.confirmed(&mut row);
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "nothing was refused".to_owned());
    row
}

/// A flush is not heard of, and everything else is.
async fn untracked() -> Row {
    let server = RedisServer::start(&[]);
    server.raw(&["ACL", "SETUSER", "default", "-client|tracking"]);
    let raced = Race::both(&far(&server)).run(RACE, async {}).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    row
}

async fn powerless() -> Row {
    let server = RedisServer::start(&[]);
    let race = Race::hasty(&far(&server));
    let rights = |right: &str| server.raw(&["ACL", "SETUSER", "default", "+@all", right]);
    let mut without = 0;
    let take = often(millis(400), || {
        rights(["-unlink", "-evalsha", "-publish", "-mget"][without % 4]);
        without += 1;
    });
    let raced = race.run(RACE, take).await;
    let mut row = raced.fresh();
    row.must(raced.run.failed > 0, || "nothing was refused".to_owned());
    rights("+@all");
    row.back = race.repeated().await;
    row.must(row.back.is_some(), || NOT_REPEATED.to_owned());
    rights("-unlink");
    let refused = race.caches()[0].remove("rows:0").await;
    let kind = refused.map_err(|error| error.kind());
    row.must(kind == Err(ErrorKind::Rejected), || {
        format!("a removal without the right to it gives {kind:?}")
    });
    row
}

/// The near tier of another process, which cannot be told.
async fn unfed() -> Row {
    let server = RedisServer::start(&[]);
    server.raw(&[
        "ACL",
        "SETUSER",
        "default",
        "-subscribe",
        "-client|tracking",
    ]);
    let watch = Watch::start();
    let far = far(&server);
    let [reader, writer] = [(); 2].map(|()| build(far.patient().near(Moka::default())));
    let mut row = Row {
        calls: 2,
        ..Row::default()
    };
    let first = version(&reader, 0, async { 1 }).await;
    assert_eq!(first, Ok(1), "loaded");
    let told = writer.remove("rows:0").await;
    row.must(told.is_ok(), || format!("{told:?}"));
    let removed = Instant::now();
    loop {
        row.calls += 1;
        if version(&reader, 0, async { 2 }).await == Ok(2) || removed.elapsed() > NEVER {
            break;
        }
        sleep(millis(10)).await;
    }
    let (old, stall) = (removed.elapsed(), watch.stall());
    row.must(old < NEAR_CAP_UNFED + SLACK + 2 * stall, || {
        format!("read for {old:?} after its removal")
    });
    row.must(!reader.stats().feed_alive, || "the feed lives".to_owned());
    (row.back, row.stall) = (Some(old), stall);
    row
}
