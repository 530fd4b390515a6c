//! P1 over a shared store, deterministically: several caches on a real Redis as if in several
//! processes. What the chance of a long race finds, and what faults do, is shown by `tests/faults`.

use std::time::Duration;

use larder::{Cache, CacheBuilder, Error, Moka, Redis, SetOptions};
use test_support::{RedisServer, Reply};
use tokio::time::{sleep, timeout};

use crate::world::Source;

const FINE: &str = "the settings are in order";

/// A cache for which a busy machine is no outage.
fn patient(url: &str) -> CacheBuilder {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(url).deadline(long).build().expect(FINE);
    Cache::builder().far(redis).outage_budget(long)
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), wait)
        .await
        .unwrap_or_else(|_| panic!("not so: {what}"));
}

/// The near tier of another process hears of an invalidation, by key, prefix and tag, and of a
/// value that was set; without a feed its entries live for seconds only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_near_tier_of_another_process_is_told() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let reader = patient(&server.url()).near(Moka::default()).build()?;
    let writer = patient(&server.url()).near(Moka::default()).build()?;
    reader.get::<u64>("rows:1").await?;
    until("the feed is up", || reader.stats().feed_alive).await;
    for version in 0..40_u64 {
        let options = SetOptions::new().tag("team:1");
        let load = || async { Ok::<_, String>(version) };
        let near = async {
            // A message about the last round may still come, and takes what was just stored.
            loop {
                let options = options.clone();
                let read = reader.get_or_load_with("rows:1", options, load).await;
                assert_eq!(read, Ok(version));
                if reader.stats().near_entries == 1 {
                    return;
                }
            }
        };
        let near = timeout(Duration::from_secs(5), near).await;
        near.expect("the near tier takes no value");
        match version % 5 {
            0 => writer.remove("rows:1").await?,
            1 => writer.remove_prefix("rows").await?,
            2 => writer.remove_tag("team:1").await?,
            3 => writer.clear().await?,
            _ => {
                writer.set("rows:1", &(version + 1)).await?;
                let mut seen = 0;
                let fresh = async {
                    while seen != version + 1 {
                        seen = reader.get("rows:1").await?.unwrap_or_default();
                    }
                    Ok::<_, Error>(())
                };
                timeout(Duration::from_secs(5), fresh)
                    .await
                    .expect("told")?;
                writer.remove("rows:1").await?;
            }
        }
        let gone = async {
            while reader.get::<u64>("rows:1").await?.is_some() {}
            Ok::<_, Error>(())
        };
        timeout(Duration::from_secs(5), gone).await.expect("told")?;
    }
    Ok(())
}

/// A load that failed, or was dropped, keeps nobody from storing the next one.
#[tokio::test]
async fn a_lease_that_is_not_used_is_in_nobodys_way() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let cache = || patient(&server.url()).build();
    let (one, other) = (cache()?, cache()?);
    let failing = || async { Err::<u64, _>("no".to_owned()) };
    let loading = || async { Ok::<u64, String>(1) };

    assert!(one.get_or_load("failed", failing).await.is_err());
    assert_eq!(other.get_or_load("failed", loading).await, Ok(1));
    assert_eq!(one.get("failed").await?, Some(1_u64));

    let (begun, mut begins) = tokio::sync::mpsc::channel::<()>(1);
    let hanging = || async {
        begun.send(()).await.expect("somebody listens");
        std::future::pending::<Result<u64, String>>().await
    };
    tokio::select! {
        _ = one.get_or_load("dropped", hanging) => unreachable!("it hangs"),
        _ = begins.recv() => {}
    }
    assert_eq!(one.get_or_load("dropped", loading).await, Ok(1));
    assert_eq!(other.get("dropped").await?, Some(1_u64));
    Ok(())
}

/// The ways to invalidate one key.
const WAYS: [&str; 6] = ["key", "prefix", "longer prefix", "tag", "clear", "set"];

async fn invalidate(cache: &Cache, way: &str, version: u64) -> Result<(), Error> {
    let options = SetOptions::new().tag("team:1");
    match way {
        "key" => cache.remove("users:1:posts").await,
        "prefix" => cache.remove_prefix("users").await,
        "longer prefix" => cache.remove_prefix("users:1").await,
        "tag" => cache.remove_tag("team:1").await,
        "clear" => cache.clear().await,
        _ => cache.set_with("users:1:posts", &version, options).await,
    }
}

/// Deterministically what the mix looks for by chance, in one process and from another.
#[tokio::test]
async fn an_invalidation_in_the_middle_of_a_load_wins() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    for way in WAYS {
        for (name, near) in [("far", false), ("both", true)] {
            let build = |builder: CacheBuilder| {
                let near = near.then(Moka::default);
                let builder = match near {
                    Some(near) => builder.near(near),
                    None => builder,
                };
                builder.build()
            };
            let cache = build(patient(&server.url()).namespace(name))?;
            let other = build(patient(&server.url()).namespace(name))?;
            cache.clear().await?;
            // From another process the near tier hears a little later, so there the far tier.
            let writer = if near { &cache } else { &other };
            let source = Source::closed();
            let read = || {
                let (cache, source) = (cache.clone(), source.clone());
                tokio::spawn(async move {
                    let options = SetOptions::new().tag("team:1");
                    let load = || async { Ok::<_, String>(source.load().await) };
                    let key = "users:1:posts";
                    cache.get_or_load_with(key, options, load).await
                })
            };
            let old = read();
            let begun = timeout(Duration::from_secs(5), source.begun()).await;
            begun.expect("it loads, because what was there is cleared");
            let version = source.commit();
            invalidate(writer, way, version).await?;
            let new = read();
            source.let_one();
            source.let_one();
            assert_eq!(old.await.expect("no panic"), Ok(1), "{name}, {way}");
            assert_eq!(
                new.await.expect("no panic"),
                Ok(version),
                "{name}, {way}: joined"
            );
            let after = cache.get("users:1:posts").await?;
            assert!(
                after.is_none_or(|after: u64| after == version),
                "{name}, {way}: {after:?}"
            );
        }
    }
    Ok(())
}

/// P2 where only the far tier is shared: those who come together load together.
#[tokio::test]
async fn a_thousand_callers_of_one_cold_key_load_once_without_a_near_tier() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let cache = patient(&server.url()).build()?;
    let source = Source::open();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let (cache, source) = (cache.clone(), source.clone());
            tokio::spawn(async move {
                let load = || async { Ok::<_, String>(source.load().await) };
                cache.get_or_load("rows:1", load).await
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic"), Ok(1));
    }
    assert_eq!(source.loads(), 1);
    assert_eq!(cache.stats().flights, 0);
    Ok(())
}

/// Caches of several namespaces share a server and see nothing of each other.
#[tokio::test]
async fn all_that_a_cache_leaves_in_the_server_begins_with_its_namespace() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let build = |name: &str| {
        patient(&server.url())
            .namespace(name)
            .near(Moka::default())
            .build()
    };
    let (shop, desk) = (build("shop:prod")?, build("desk")?);
    for (cache, version) in [(&shop, 1_u64), (&desk, 2)] {
        let options = SetOptions::new().tag("team:1");
        cache.set_with("users:1", &version, options).await?;
        until("the feed is up", || cache.stats().feed_alive).await;
    }
    shop.remove_prefix("users").await?;
    assert_eq!(shop.get::<u64>("users:1").await?, None);
    assert_eq!(desk.get::<u64>("users:1").await?, Some(2));

    let mut names = Vec::new();
    for command in [&["KEYS", "*"][..], &["PUBSUB", "CHANNELS"]] {
        let Reply::Array(list) = server.raw(command) else {
            panic!("{command:?} gives a list");
        };
        let text = |name: &Reply| name.text().expect("is text").to_owned();
        names.extend(list.iter().map(text));
    }
    let begins = |name: &String| name.starts_with("shop:prod:") || name.starts_with("desk:");
    assert!(names.len() > 6 && names.iter().all(begins), "{names:?}");
    assert!(names.contains(&"shop:prod:feed".to_owned()), "{names:?}");
    Ok(())
}
