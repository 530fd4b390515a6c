//! `#[cache_put]` and `<ret>` over a real Redis, with several caches on it as if in several
//! processes.

use std::time::Duration;

use larder::{Cache, CacheBuilder, Moka, Redis, cache_put, cached, invalidate_cache};
use test_support::RedisServer;
use tokio::time::{Instant, timeout};

use super::{Answer, Db, User, ended, get_user, rename, rename_late, save_user, user};
use crate::world::Source;

const FINE: &str = "the settings are in order";

/// A cache for which a busy machine is no outage.
fn patient(server: &RedisServer) -> CacheBuilder {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(server.url()).deadline(long);
    let redis = redis.build().expect(FINE);
    Cache::builder().far(redis).outage_budget(long)
}

/// As another process, without a near tier: it believes what the far tier says.
pub(super) fn far_only(server: &RedisServer) -> Cache {
    patient(server).build().expect(FINE)
}

/// As a process with both tiers, whose feed is up: as that begins, everything counts as invalid.
pub(super) async fn both(server: &RedisServer) -> Cache {
    let cache = patient(server).near(Moka::default());
    let cache = cache.build().expect(FINE);
    let asked = cache.get::<u64>("users:0").await;
    asked.expect("the server is there");
    until("the feed is up", async || cache.stats().feed_alive).await;
    cache
}

async fn until(what: &str, mut met: impl AsyncFnMut() -> bool) {
    let waited = timeout(Duration::from_secs(5), async {
        while !met().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits until `cache` has heard of all that `other` has told so far: messages come in order.
pub(super) async fn heard(cache: &Cache, other: &Cache) {
    cache
        .set("told", &false)
        .await
        .expect("the server is there");
    other.set("told", &true).await.expect("the server is there");
    let told = async || matches!(cache.get("told").await, Ok(Some(true)));
    until("it hears of a change", told).await;
}

/// A write of `users:1` as `Ada`, which has committed and goes on when `gate` lets it.
async fn begun(cache: &Cache, db: &Db, gate: &Source, late: bool) -> Write {
    let (cache, db, here) = (cache.clone(), db.clone(), gate.clone());
    let write = tokio::spawn(async move {
        if late {
            rename_late(cache, db, here, 1, "Ada").await
        } else {
            rename(cache, db, here, 1, "Ada").await
        }
    });
    gate.begun().await;
    write
}

type Write = tokio::task::JoinHandle<Answer<User>>;

#[tokio::test]
async fn another_process_reads_what_was_written_without_a_load() {
    let server = RedisServer::start(&[]);
    for (writer, namespace) in [(far_only(&server), "far"), (both(&server).await, "both")] {
        let reader = far_only(&server);
        let db = Db::default();
        save_user(&writer, &db, user(1, namespace)).await.unwrap();
        for cache in [&reader, &writer] {
            let read = get_user(cache, &db, 1).await;
            assert_eq!(read, Ok(user(1, namespace)));
        }
        let again = rename(writer.clone(), db.clone(), Source::open(), 1, "Ada");
        again.await.unwrap();
        for cache in [&reader, &writer] {
            assert_eq!(get_user(cache, &db, 1).await, Ok(user(1, "Ada")));
        }
        assert_eq!(db.loads(), 0, "{namespace}");
        for how in ["prefix", "tag"] {
            save_user(&writer, &db, user(1, "Bea")).await.unwrap();
            match how {
                "prefix" => reader.remove_prefix("users").await,
                _ => reader.remove_tag("all-users").await,
            }
            .unwrap();
            let loads = db.loads();
            assert_eq!(get_user(&reader, &db, 1).await, Ok(user(1, "Bea")));
            assert_eq!(db.loads(), loads + 1, "{namespace}, {how}");
        }
        writer.clear().await.unwrap();
    }
}

#[cached(key = "json:<id>", codec = json, version = 3, cache = cache, skip(cache))]
async fn get_json(cache: &Cache, id: u64) -> Answer<User> {
    Err("it is there")
}

#[cache_put(key = "json:<ret.id>", codec = json, version = 3, cache = cache)]
async fn put_json(cache: &Cache, user: User) -> User {
    user
}

#[cache_put(key = "json:<ret.id>", codec = json, version = 4, cache = cache)]
async fn put_json_of_another_version(cache: &Cache, user: User) -> User {
    user
}

#[tokio::test]
async fn codec_and_version_are_those_of_the_reader() {
    let server = RedisServer::start(&[]);
    let (writer, reader) = (far_only(&server), far_only(&server));
    put_json(&writer, user(1, "Ada")).await;
    assert_eq!(get_json(&reader, 1).await, Ok(user(1, "Ada")));
    put_json_of_another_version(&writer, user(1, "Bea")).await;
    get_json(&reader, 1).await.unwrap_err();
}

#[tokio::test]
async fn the_near_tier_of_another_process_is_told() {
    let server = RedisServer::start(&[]);
    let (writer, reader, db) = (far_only(&server), both(&server).await, Db::default());
    db.save(user(1, "Ada"));
    assert_eq!(get_user(&reader, &db, 1).await, Ok(user(1, "Ada")));
    save_user(&writer, &db, user(1, "Bea")).await.unwrap();
    let told = async || get_user(&reader, &db, 1).await == Ok(user(1, "Bea"));
    until("it reads the new value", told).await;
}

/// Whoever wrote last, or invalidated, in whichever process: the older value does not come back.
/// Where the key is known only afterwards, other processes are heard of through the feed.
#[tokio::test]
async fn a_change_by_another_process_in_the_middle_of_a_write_wins() {
    let server = RedisServer::start(&[]);
    let (other, db) = (far_only(&server), Db::default());
    for near in [false, true] {
        let cache = if near {
            both(&server).await
        } else {
            far_only(&server)
        };
        for there in [false, true] {
            for how in ["key", "prefix", "tag", "clear", "set", "put", "load"] {
                other.clear().await.unwrap();
                if there {
                    save_user(&other, &db, user(1, "Zoe")).await.unwrap();
                }
                let gate = Source::closed();
                let write = begun(&cache, &db, &gate, false).await;
                db.save(user(1, "Bea"));
                match how {
                    "key" => other.remove("users:1").await.unwrap(),
                    "prefix" => other.remove_prefix("users").await.unwrap(),
                    "tag" => other.remove_tag("all-users").await.unwrap(),
                    "clear" => other.clear().await.unwrap(),
                    "set" => other.set("users:1", &user(1, "Bea")).await.unwrap(),
                    "put" => drop(save_user(&other, &db, user(1, "Bea")).await),
                    _ => {
                        other.remove("users:1").await.unwrap();
                        get_user(&other, &db, 1).await.unwrap();
                    }
                }
                gate.let_one();
                ended(write).await.unwrap();
                let case = format!("{how}, near: {near}, an entry before: {there}");
                let read = get_user(&other, &db, 1).await;
                assert_eq!(read, Ok(user(1, "Bea")), "{case}");
                // The near tier of the writer hears of a change of a group.
                let told = async || get_user(&cache, &db, 1).await == Ok(user(1, "Bea"));
                until(&case, told).await;
            }
        }
    }
}

/// The first to write is the first to end, when the second has written already.
#[tokio::test]
async fn the_older_of_two_values_does_not_stay() {
    let server = RedisServer::start(&[]);
    let (other, db) = (far_only(&server), Db::default());
    for near in [false, true] {
        let cache = if near {
            both(&server).await
        } else {
            far_only(&server)
        };
        for late in [false, true] {
            other.clear().await.unwrap();
            let gates = [Source::closed(), Source::closed()];
            let first = begun(&cache, &db, &gates[0], late).await;
            let second = begun(&cache, &db, &gates[1], late).await;
            db.save(user(1, "Bea"));
            gates[0].let_one();
            ended(first).await.unwrap();
            gates[1].let_one();
            ended(second).await.unwrap();
            for cache in [&cache, &other] {
                let read = get_user(cache, &db, 1).await;
                assert_eq!(read, Ok(user(1, "Bea")), "near: {near}, late: {late}");
            }
        }
    }
}

#[tokio::test]
async fn an_invalidation_while_the_value_is_on_its_way_to_the_far_tier_wins() {
    let server = RedisServer::start(&[]);
    for late in [false, true] {
        let (cache, db, gate) = (both(&server).await, Db::default(), Source::closed());
        let write = begun(&cache, &db, &gate, late).await;
        db.save(user(1, "Bea"));
        server.stop();
        gate.let_one();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!write.is_finished(), "it waits for the server");
        let remove = {
            let cache = cache.clone();
            tokio::spawn(async move { cache.remove("users:1").await })
        };
        tokio::task::yield_now().await;
        server.cont();
        ended(write).await.unwrap();
        // It may have been told that it comes too late; it holds all the same.
        drop(ended(remove).await);
        for cache in [&cache, &far_only(&server)] {
            let told = async || get_user(cache, &db, 1).await == Ok(user(1, "Bea"));
            assert!(told().await, "late: {late}");
        }
    }
}

#[tokio::test]
async fn readers_keep_the_old_value_while_a_write_runs_and_if_it_fails() {
    #[cache_put(key = "users:<id>", tags = ["all-users"], cache = cache)]
    async fn fails(cache: Cache, gate: Source, id: u64) -> Answer<User> {
        gate.load().await;
        Err("no")
    }
    let server = RedisServer::start(&[]);
    let (cache, other, db) = (far_only(&server), far_only(&server), Db::default());
    save_user(&other, &db, user(1, "Ada")).await.unwrap();
    for id in [1, 2] {
        db.save(user(id, "Ada"));
        let gate = Source::closed();
        let write = tokio::spawn(fails(cache.clone(), gate.clone(), id));
        gate.begun().await;
        assert_eq!(get_user(&other, &db, id).await, Ok(user(id, "Ada")));
        gate.let_one();
        write.await.unwrap().unwrap_err();
        assert_eq!(get_user(&other, &db, id).await, Ok(user(id, "Ada")));
        let loads = db.loads();
        assert_eq!(get_user(&other, &db, id).await, Ok(user(id, "Ada")));
        assert_eq!(db.loads(), loads, "{id}: what failed is in nobody's way");
    }
    assert_eq!(db.loads(), 2, "of what was not there");
}

#[tokio::test]
async fn a_writer_that_is_cancelled_invalidates_for_all() {
    let server = RedisServer::start(&[]);
    let (cache, other, db) = (both(&server).await, far_only(&server), Db::default());
    save_user(&other, &db, user(1, "Zoe")).await.unwrap();
    let write = begun(&cache, &db, &Source::closed(), false).await;
    write.abort();
    assert!(write.await.unwrap_err().is_cancelled());
    let told = async || get_user(&other, &db, 1).await == Ok(user(1, "Ada"));
    until("it reads the new value", told).await;
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada")));
}

#[invalidate_cache(keys = ["users:<ret.id>"], cache = cache)]
async fn change(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[invalidate_cache(prefix = "users", cache = cache)]
#[cache_put(key = "users:<ret.id>", tags = ["all-users"], cache = cache)]
async fn change_and_store(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[invalidate_cache(prefix = "users", cache = cache)]
#[cache_put(key = "users:<id>", tags = ["all-users"], cache = cache)]
async fn change_and_store_early(cache: &Cache, db: &Db, id: u64, name: &str) -> Answer<User> {
    Ok(db.save(user(id, name)))
}

#[tokio::test]
async fn what_a_function_invalidates_it_invalidates_for_all_before_it_stores() {
    let server = RedisServer::start(&[]);
    let (cache, other, db) = (both(&server).await, far_only(&server), Db::default());
    for id in [1, 2] {
        save_user(&other, &db, user(id, "Ada")).await.unwrap();
    }
    heard(&cache, &other).await;
    change(&cache, &db, user(1, "Bea")).await.unwrap();
    assert_eq!(get_user(&other, &db, 1).await, Ok(user(1, "Bea")));
    assert_eq!(db.loads(), 1);
    for way in ["late", "early"] {
        get_user(&other, &db, 2).await.unwrap();
        match way {
            "late" => change_and_store(&cache, &db, user(1, way)).await,
            _ => change_and_store_early(&cache, &db, 1, way).await,
        }
        .unwrap();
        let loads = db.loads();
        assert_eq!(get_user(&other, &db, 1).await, Ok(user(1, way)));
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, way)));
        assert_eq!(db.loads(), loads, "{way}: it is stored");
        get_user(&other, &db, 2).await.unwrap();
        assert_eq!(db.loads(), loads + 1, "{way}: the other is not");
    }
}

#[tokio::test]
async fn a_server_that_is_away_fails_no_write_and_has_no_old_value_when_it_is_back() {
    let server = RedisServer::start(&[]);
    let other = far_only(&server);
    let db = Db::default();
    save_user(&other, &db, user(1, "Zoe")).await.unwrap();
    let redis = Redis::connect(server.url()).expect(FINE);
    let budget = Duration::from_millis(500);
    let cache = Cache::builder().near(Moka::default()).far(redis);
    let cache = cache.outage_budget(budget).build().expect(FINE);
    let stored = async |name| {
        let began = Instant::now();
        let write = rename(cache.clone(), db.clone(), Source::open(), 1, name);
        assert_eq!(write.await, Ok(user(1, name)));
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, name)));
        began.elapsed()
    };
    stored("Ada").await;
    server.stop();
    for name in ["Bea", "Cleo"] {
        let took = stored(name).await;
        // Twice the budget, because the machine may be busy; three waits would be more.
        assert!(took < 2 * budget, "{took:?}");
    }
    server.cont();
    let told = async || get_user(&other, &db, 1).await == Ok(user(1, "Cleo"));
    until("what was written meanwhile is read", told).await;
}
