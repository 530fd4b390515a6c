//! Several attributes on one function: invalidations first, then what is stored, whatever their
//! order.

use larder::{Cache, cache_put, cached, invalidate_cache};

use super::{Answer, Db, User, get_user, user};
use crate::world::{Source, near_cache};

#[cached(key = "users:list", cache = cache, skip(cache, db))]
async fn list_users(cache: &Cache, db: &Db) -> u64 {
    db.load(0).ok();
    db.loads()
}

#[invalidate_cache(prefix = "users", cache = cache)]
#[cache_put(key = "users:<ret.id>", cache = cache)]
async fn invalidates_then_stores(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[cache_put(key = "users:<ret.id>", cache = cache)]
#[invalidate_cache(prefix = "users", cache = cache)]
async fn stores_then_invalidates(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[cache_put(key = "users:<id>", cache = cache)]
#[larder::invalidate_cache(tags = ["all-users"], cache = cache)]
#[larder::invalidate_cache(keys = ["users:list", "users:<id>"], cache = cache)]
#[cache_put(key = "names:<ret.name>", cache = cache)]
async fn stores_twice(cache: &Cache, db: &Db, id: u64, user: User) -> Answer<User> {
    assert_eq!(id, user.id);
    Ok(db.save(user))
}

#[tokio::test]
async fn a_function_stores_what_its_own_invalidation_covers_in_either_order() {
    let (cache, db) = (near_cache(), Db::default());
    let list = async || list_users(&cache, &db).await;
    let mut listed = list().await;
    for way in 0..3 {
        let new = user(1, ["Ada", "Bea", "Cleo"][way]);
        match way {
            0 => invalidates_then_stores(&cache, &db, new.clone()).await,
            1 => stores_then_invalidates(&cache, &db, new.clone()).await,
            _ => stores_twice(&cache, &db, 1, new.clone()).await,
        }
        .unwrap();
        let loads = db.loads();
        assert_eq!(get_user(&cache, &db, 1).await, Ok(new), "{way}");
        assert_eq!(db.loads(), loads, "{way}: the value is there");
        let again = list().await;
        assert_ne!(again, listed, "{way}: the list is not");
        listed = again;
    }
    let named = cache.get::<User>("names:Cleo").await.unwrap();
    assert_eq!(named, Some(user(1, "Cleo")));
}

#[tokio::test]
async fn a_foreign_invalidation_still_keeps_it_from_storing() {
    #[invalidate_cache(prefix = "users", cache = cache)]
    #[cache_put(key = "users:<id>", cache = cache)]
    async fn slow(cache: Cache, db: Db, gate: Source, id: u64) -> User {
        let user = db.save(user(id, "Ada"));
        gate.load().await;
        user
    }
    let (cache, db, gate) = (near_cache(), Db::default(), Source::closed());
    let write = tokio::spawn(slow(cache.clone(), db.clone(), gate.clone(), 1));
    gate.begun().await;
    db.save(user(1, "Bea"));
    cache.remove_prefix("users").await.unwrap();
    gate.let_one();
    write.await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
}

mod renamed {
    //! An attribute under another name is not taken along: it acts inside of those above it.
    use larder::{Cache, cache_put as store, invalidate_cache as forget};

    use super::{Answer, Db, User, get_user, user};
    use crate::world::near_cache;

    #[forget(prefix = "users", cache = cache)]
    #[store(key = "users:<ret.id>", cache = cache)]
    async fn save(cache: &Cache, db: &Db, user: User) -> Answer<User> {
        Ok(db.save(user))
    }

    #[tokio::test]
    async fn attributes_of_other_names_never_store_what_may_be_old() {
        let (cache, db) = (near_cache(), Db::default());
        for name in ["Ada", "Bea"] {
            save(&cache, &db, user(1, name)).await.unwrap();
            assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, name)));
        }
    }
}

#[invalidate_cache(keys = ["users:<ret.id>"], cache = cache)]
#[invalidate_cache(keys = ["names:<ret.name>"], cache = cache)]
async fn twice(cache: &Cache, user: User) -> Answer<User> {
    Ok(user)
}

#[tokio::test]
async fn two_invalidations_both_happen() {
    let cache = near_cache();
    cache.set("users:1", &1).await.unwrap();
    cache.set("names:Ada", &1).await.unwrap();
    twice(&cache, user(1, "Ada")).await.unwrap();
    assert!(!cache.exists("users:1").await.unwrap());
    assert!(!cache.exists("names:Ada").await.unwrap());
}
