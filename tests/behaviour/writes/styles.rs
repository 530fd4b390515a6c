//! Functions that write and are no `async fn`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
};

use larder::{Cache, cache_put, cached, invalidate_cache};

use super::{Answer, Db, User, get_user, user};
use crate::world::near_cache;

#[cached(key = "users:<id>", cache = cache, skip(cache, db))]
fn read(cache: &Cache, db: &Db, id: u64) -> Answer<User> {
    db.load(id)
}

#[cache_put(key = "users:<ret.id>", cache = cache)]
fn save(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    if user.name.is_empty() {
        return Err("no name");
    }
    Ok(db.save(user))
}

#[cache_put(key = "users:<id>", cache = cache)]
fn panics(cache: &Cache, db: &Db, id: u64) -> Answer<User> {
    db.save(user(id, "Cleo"));
    panic!("after the commit")
}

#[invalidate_cache(keys = ["users:<ret.id>"], cache = cache)]
#[cache_put(key = "names:<ret.name>", cache = cache)]
fn change(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

#[test]
fn a_plain_function_stores_and_invalidates_without_a_runtime() {
    let (cache, db) = (near_cache(), Db::default());
    save(&cache, &db, user(1, "Ada")).unwrap();
    assert_eq!(read(&cache, &db, 1), Ok(user(1, "Ada")));
    save(&cache, &db, user(1, "")).unwrap_err();
    assert_eq!(read(&cache, &db, 1), Ok(user(1, "Ada")));
    assert_eq!(db.loads(), 0);
    change(&cache, &db, user(1, "Bea")).unwrap();
    assert_eq!(read(&cache, &db, 1), Ok(user(1, "Bea")));
    assert_eq!(db.loads(), 1);
    catch_unwind(AssertUnwindSafe(|| panics(&cache, &db, 1))).unwrap_err();
    assert_eq!(read(&cache, &db, 1), Ok(user(1, "Cleo")));
}

/// The change is another thread's, in the middle of the write.
#[test]
fn a_plain_function_that_was_overtaken_stores_nothing() {
    #[cache_put(key = "users:<ret.id>", cache = cache)]
    fn slow(cache: &Cache, db: &Db, meanwhile: impl FnOnce()) -> User {
        let user = db.save(user(1, "Ada"));
        meanwhile();
        user
    }
    let (cache, db) = (near_cache(), Db::default());
    slow(&cache, &db, || {
        save(&cache, &db, user(1, "Bea")).unwrap();
    });
    assert_eq!(read(&cache, &db, 1), Ok(user(1, "Bea")));
}

#[cache_put(key = "users:<ret.id>", cache = cache)]
fn boxed<'a>(
    cache: &'a Cache,
    db: &'a Db,
    user: User,
) -> Pin<Box<dyn Future<Output = Answer<User>> + Send + 'a>> {
    Box::pin(async move { Ok(db.save(user)) })
}

#[cache_put(key = "users:<id>", cache = cache)]
#[invalidate_cache(prefix = "users", cache = cache)]
fn opaque(cache: &Cache, db: &Db, id: u64) -> impl Future<Output = Answer<User>> {
    let user = db.save(user(id, "opaque"));
    async move { Ok(user) }
}

#[tokio::test]
async fn functions_that_return_futures_store_what_these_give() {
    let (cache, db) = (near_cache(), Db::default());
    boxed(&cache, &db, user(1, "boxed")).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "boxed")));
    opaque(&cache, &db, 1).await.unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "opaque")));
    assert_eq!(db.loads(), 0);
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_function_invalidates_for_others_what_it_stores_here() {
    use super::far::{both, far_only, heard};

    let server = test_support::RedisServer::start(&[]);
    let (cache, other, db) = (both(&server).await, far_only(&server), Db::default());
    super::save_user(&other, &db, user(1, "Ada")).await.unwrap();
    heard(&cache, &other).await;
    tokio::task::block_in_place(|| save(&cache, &db, user(1, "Bea"))).unwrap();
    assert_eq!(get_user(&cache, &db, 1).await, Ok(user(1, "Bea")));
    assert_eq!(db.loads(), 0);
    assert_eq!(get_user(&other, &db, 1).await, Ok(user(1, "Bea")));
    assert_eq!(db.loads(), 1);
}
