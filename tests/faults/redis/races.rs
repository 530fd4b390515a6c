//! P1 under what only a Redis server does: evict by policies, kill connections, refuse, forget its
//! scripts, be flushed.

use larder::{Cache, Error};
use test_support::{Random, RedisServer};

use super::{case, far};
use crate::{
    driver::{RACE, Race, millis, often, until},
    suite::{Case, Row},
};

pub(super) fn cases() -> Vec<Case> {
    let p1 = "P1";
    vec![
        case(3, "entries and stamps evicted at random", p1, evicted),
        case(4, "full, allkeys-lru", p1, || full("allkeys-lru")),
        case(5, "full, allkeys-random", p1, || full("allkeys-random")),
        case(5, "full, volatile-ttl", p1, || full("volatile-ttl")),
        case(5, "full, noeviction", p1, || full("noeviction")),
        case(
            7,
            "connections killed every 100 ms",
            "P1, gaps under 200 ms",
            killed,
        ),
        case(25, "SCRIPT FLUSH every 50 ms", "P1, no error", forgetful),
        case(
            26,
            "FLUSHALL every 50 ms",
            "P1, near tiers empty in 1 s",
            flushed,
        ),
    ]
}

async fn evicted() -> Row {
    let server = RedisServer::start(&[]);
    let names: Vec<String> = (0..3)
        .map(|at| format!("larder:e:rows:{at}"))
        .chain(["larder:g:n".to_owned(), "larder:g:p:rows".to_owned()])
        .collect();
    let mut random = Random::new(3);
    let mut gone = 0;
    let evict = often(millis(2), || {
        let name = &names[random.below(names.len())];
        gone += server.raw(&["UNLINK", name]).int().unwrap_or_default();
    });
    let raced = Race::far_only(&far(&server)).run(RACE, evict).await;
    let mut row = raced.fresh();
    row.must(gone > 100, || format!("only {gone} names were there"));
    row
}

async fn full(policy: &'static str) -> Row {
    let server = RedisServer::start(&["--maxmemory", "4mb", "--maxmemory-policy", policy]);
    let mut client = server.client();
    let filler = "x".repeat(10_000);
    let mut next = 0;
    let fill = often(millis(2), || {
        next += 1;
        // Refused without eviction: that is the case.
        let _ = client.command(&["SET", &format!("filler:{next}"), &filler, "PX", "60000"]);
    });
    let raced = Race::far_only(&far(&server)).run(RACE, fill).await;
    let mut row = raced.fresh();
    // An invalidation needs no memory.
    raced.confirmed(&mut row);
    let evicted = server.info("evicted_keys").expect("a field");
    row.must((evicted == "0") == (policy == "noeviction"), || {
        format!("{evicted} evicted")
    });
    row
}

async fn killed() -> Row {
    let server = RedisServer::start(&[]);
    let race = Race::hasty(&far(&server));
    let kill = often(millis(100), || {
        server.raw(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    });
    race.run_without_gaps(RACE, kill).await
}

async fn forgetful() -> Row {
    let server = RedisServer::start(&[]);
    let race = Race::far_only(&far(&server));
    let flush = often(millis(50), || {
        server.raw(&["SCRIPT", "FLUSH"]);
    });
    let raced = race.run(RACE, flush).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors == 0, || {
        format!("{errors} calls of the store failed")
    });
    row
}

async fn flushed() -> Row {
    let server = RedisServer::start(&[]);
    let race = Race::both(&far(&server));
    let cache = &race.caches()[0];
    fill(cache).await.expect("a healthy store takes values");
    let entries = || cache.stats().near_entries;
    let full = entries();
    server.raw(&["FLUSHALL"]);
    let empty = until(|| entries() == 0).await;
    let flush = often(millis(50), || {
        server.raw(&["FLUSHALL"]);
    });
    let mut row = race.run(RACE, flush).await.fresh();
    row.back = empty;
    let soon = millis(1_000) + 2 * row.stall;
    row.must(
        full == 100 && empty.is_some_and(|empty| empty < soon),
        || format!("{full} values in the near tier are gone after {empty:?}"),
    );
    row
}

/// A hundred values in both tiers, of which others' changes are heard.
async fn fill(cache: &Cache) -> Result<(), Error> {
    cache.get::<u64>("rows:0").await?;
    let fed = until(|| cache.stats().feed_alive).await;
    fed.expect("the feed comes up");
    for at in 0..100_u64 {
        cache.set(&format!("rows:{at}"), &at).await?;
    }
    Ok(())
}
