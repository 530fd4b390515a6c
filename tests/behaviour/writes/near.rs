//! `#[cache_put]` in one process.

use std::time::Duration;

use larder::{Cache, Clock, Moka, cache_put, cached};

use super::{Answer, Db, User, ended, get_user, rename, rename_late, save_user, user};
use crate::world::{Source, near_cache};

#[tokio::test]
async fn what_was_written_is_read_without_a_load() {
    let (cache, db) = (near_cache(), Db::default());
    assert!(get_user(&cache, &db, 1).await.is_err());
    assert_eq!(db.loads(), 1);
    save_user(&cache, &db, user(1, "Ada")).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada")));
    let renamed = rename(cache.clone(), db.clone(), Source::open(), 1, "Ada L.").await;
    assert_eq!(renamed, Ok(user(1, "Ada L.")));
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada L.")));
    assert_eq!(db.loads(), 1);
}

#[tokio::test]
async fn what_was_written_belongs_to_its_groups() {
    let (cache, db) = (near_cache(), Db::default());
    for how in 0..4 {
        save_user(&cache, &db, user(1, "Ada")).await.unwrap();
        match how {
            0 => cache.remove("users:1").await,
            1 => cache.remove_prefix("users").await,
            2 => cache.remove_tag("all-users").await,
            _ => cache.clear().await,
        }
        .unwrap();
        let loads = db.loads();
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada")));
        assert_eq!(db.loads(), loads + 1, "{how}");
    }
}

type Found = Option<User>;

#[cache_put(key = "users:<id>", cache = cache)]
async fn try_rename(cache: &Cache, id: u64, name: Option<&str>) -> Result<Found, String> {
    match name {
        Some("") => Err("a name is needed".to_owned()),
        name => Ok(name.map(|name| user(id, name))),
    }
}

#[cache_put(key = "users:<id>", cache = cache)]
async fn maybe_rename(cache: &Cache, id: u64, name: Option<&str>) -> Found {
    name.map(|name| user(id, name))
}

#[tokio::test]
async fn nothing_is_stored_of_an_err_or_a_none() {
    let (cache, db) = (near_cache(), Db::default());
    db.save(user(1, "Ada"));
    let read = async || get_user(&cache, &db, 1).await.unwrap().name;
    assert_eq!(read().await, "Ada");
    try_rename(&cache, 1, Some("")).await.unwrap_err();
    assert_eq!(try_rename(&cache, 1, None).await, Ok(None));
    assert_eq!(maybe_rename(&cache, 1, None).await, None);
    assert_eq!((read().await.as_str(), db.loads()), ("Ada", 1));
    try_rename(&cache, 1, Some("Bea")).await.unwrap();
    assert_eq!(read().await, "Bea");
    maybe_rename(&cache, 1, Some("Cleo")).await.unwrap();
    assert_eq!((read().await.as_str(), db.loads()), ("Cleo", 1));
}

#[tokio::test]
async fn a_load_from_before_the_write_neither_replaces_nor_outlives_it() {
    #[cached(key = "users:<id>", cache = cache, skip(cache, db, gate))]
    async fn slow_read(cache: Cache, db: Db, gate: Source, id: u64) -> Option<User> {
        let user = db.load(id).ok();
        gate.load().await;
        user
    }
    let (cache, db, gate) = (near_cache(), Db::default(), Source::closed());
    db.save(user(1, "Ada"));
    let old = tokio::spawn(slow_read(cache.clone(), db.clone(), gate.clone(), 1));
    gate.begun().await;
    save_user(&cache, &db, user(1, "Bea")).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
    gate.let_one();
    assert_eq!(ended(old).await, Some(user(1, "Ada")), "it began before");
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
    assert_eq!(db.loads(), 1);
}

/// The one that writes first ends last: what it returns is not the newest.
#[tokio::test]
async fn of_two_writers_at_one_time_neither_leaves_its_own_value_behind() {
    for late in [false, true] {
        let (cache, db) = (near_cache(), Db::default());
        let (slow, quick) = (Source::closed(), Source::open());
        let first = {
            let (cache, db, gate) = (cache.clone(), db.clone(), slow.clone());
            tokio::spawn(async move {
                if late {
                    rename_late(cache, db, gate, 1, "Ada").await
                } else {
                    rename(cache, db, gate, 1, "Ada").await
                }
            })
        };
        slow.begun().await;
        rename(cache.clone(), db.clone(), quick.clone(), 1, "Bea")
            .await
            .unwrap();
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
        assert_eq!(db.loads(), 0, "nobody began or ended meanwhile");
        slow.let_one();
        ended(first).await.unwrap();
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
        assert_eq!(db.loads(), 1, "late: {late}");
        rename(cache.clone(), db.clone(), quick, 1, "Cleo")
            .await
            .unwrap();
        assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Cleo")));
        assert_eq!(db.loads(), 1, "afterwards it stores again");
    }
}

/// A row that is written elsewhere and invalidated here must not come back with an older put.
#[tokio::test]
async fn an_invalidation_in_the_middle_of_a_write_wins() {
    for late in [false, true] {
        for how in 0..5 {
            let (cache, db, gate) = (near_cache(), Db::default(), Source::closed());
            let write = {
                let (cache, db, gate) = (cache.clone(), db.clone(), gate.clone());
                tokio::spawn(async move {
                    if late {
                        rename_late(cache, db, gate, 1, "Ada").await
                    } else {
                        rename(cache, db, gate, 1, "Ada").await
                    }
                })
            };
            gate.begun().await;
            db.save(user(1, "Bea"));
            match how {
                0 => cache.remove("users:1").await,
                1 => cache.remove_prefix("users").await,
                2 => cache.remove_tag("all-users").await,
                3 => cache.clear().await,
                _ => cache.set("users:1", &user(1, "Bea")).await,
            }
            .unwrap();
            gate.let_one();
            ended(write).await.unwrap();
            let read = get_user(&cache, &db, 1).await;
            assert_eq!(read, Ok(user(1, "Bea")), "{how}, late: {late}");
        }
    }
}

#[tokio::test]
async fn changes_of_other_keys_do_not_keep_a_write_from_storing() {
    let (cache, db, gate) = (near_cache(), Db::default(), Source::closed());
    let write = rename_late(cache.clone(), db.clone(), gate.clone(), 1, "Ada");
    let write = tokio::spawn(write);
    gate.begun().await;
    cache.remove("users:2").await.unwrap();
    cache.remove_prefix("posts").await.unwrap();
    cache.remove_tag("team:1").await.unwrap();
    save_user(&cache, &db, user(2, "Bea")).await.unwrap();
    gate.let_one();
    ended(write).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada")));
    assert_eq!(get_user(&cache, &db, 2).await, Ok(user(2, "Bea")));
    assert_eq!(db.loads(), 0);
}

#[tokio::test]
async fn a_writer_that_is_cancelled_or_panics_invalidates_the_key_it_knew() {
    #[cache_put(key = "users:<id>", cache = cache)]
    async fn panics(cache: Cache, db: Db, id: u64) -> Answer<User> {
        db.save(user(id, "Cleo"));
        panic!("after the commit")
    }
    let (cache, db, gate) = (near_cache(), Db::default(), Source::closed());
    db.save(user(1, "Ada"));
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Ada")));
    let write = tokio::spawn(rename(cache.clone(), db.clone(), gate.clone(), 1, "Bea"));
    gate.begun().await;
    write.abort();
    assert!(write.await.unwrap_err().is_cancelled());
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
    let write = tokio::spawn(panics(cache.clone(), db.clone(), 1));
    assert!(write.await.unwrap_err().is_panic());
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Cleo")));
}

#[cache_put(key = "users:<id>", if = !id.is_multiple_of(2), cache = cache)]
async fn save_odd(cache: &Cache, db: &Db, id: u64, name: &str) -> User {
    db.save(user(id, name))
}

#[cache_put(key = "users:<ret.id>", unless = |user| user.name.is_empty(), cache = cache)]
async fn save_named(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_invalidated() {
    let (cache, db) = (near_cache(), Db::default());
    for id in [1, 2] {
        db.save(user(id, "Ada"));
        assert_eq!(get_user(&cache, &db, id).await, Ok(user(id, "Ada")));
        save_odd(&cache, &db, id, "Bea").await;
        assert_eq!(get_user(&cache, &db, id).await, Ok(user(id, "Bea")));
    }
    assert_eq!(db.loads(), 3, "the even one was loaded anew");
    save_named(&cache, &db, user(1, "Cleo")).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Cleo")));
    assert_eq!(db.loads(), 3);
    save_named(&cache, &db, user(1, "")).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "")));
    assert_eq!(db.loads(), 4);
}

#[tokio::test]
async fn what_was_written_lives_for_its_own_ttl() {
    #[cache_put(key = "users:<ret.id>", ttl = "1s", cache = cache)]
    async fn brief(cache: &Cache, db: &Db, user: User) -> User {
        db.save(user)
    }
    let clock = Clock::manual();
    let cache = Cache::builder()
        .near(Moka::default())
        .clock(clock.clone())
        .jitter(0.0)
        .build()
        .unwrap();
    let db = Db::default();
    brief(&cache, &db, user(1, "Ada")).await;
    clock.advance(Duration::from_millis(999));
    get_user(&cache, &db, 1).await.unwrap();
    assert_eq!(db.loads(), 0);
    clock.advance(Duration::from_millis(1));
    get_user(&cache, &db, 1).await.unwrap();
    assert_eq!(db.loads(), 1);
}

struct Service {
    cache: Cache,
    db: Db,
    region: &'static str,
}

impl Service {
    #[cached(key = "regions:<self.region>:<id>", cache = self.cache)]
    async fn get(&self, id: u64) -> Answer<User> {
        self.db.load(id)
    }

    #[cache_put(key = "regions:<self.region>:<ret.id>", cache = self.cache)]
    async fn save(&mut self, user: User) -> Answer<User> {
        Ok(self.db.save(user))
    }
}

#[tokio::test]
async fn a_method_stores_under_what_is_of_itself_and_of_its_result() {
    let mut service = Service {
        cache: near_cache(),
        db: Db::default(),
        region: "north",
    };
    service.save(user(1, "Ada")).await.unwrap();
    assert_eq!(service.get(1).await, Ok(user(1, "Ada")));
    assert_eq!(service.db.loads(), 0);
    service.region = "south";
    assert_eq!(service.get(1).await, Ok(user(1, "Ada")));
    assert_eq!(service.db.loads(), 1);
}
