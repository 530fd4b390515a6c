//! Functions that write: what they store, what they invalidate, and what becomes of it when
//! somebody else writes at the same time, or when they do not end.

#[cfg(feature = "redis")]
mod far;
mod named;
mod near;
mod of;
mod stacked;
mod styles;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use larder::{Cache, cache_put, cached};
use serde::{Deserialize, Serialize};

use crate::world::Source;

type Answer<T> = Result<T, &'static str>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

fn user(id: u64, name: &str) -> User {
    let name = name.to_owned();
    User { id, name }
}

/// A table of a database, which counts its reads.
#[derive(Debug, Clone, Default)]
struct Db(Arc<Rows>);

#[derive(Debug, Default)]
struct Rows {
    users: Mutex<HashMap<u64, User>>,
    loads: AtomicU64,
}

impl Db {
    fn load(&self, id: u64) -> Answer<User> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        let users = self.0.users.lock().expect("no panic");
        users.get(&id).cloned().ok_or("no such user")
    }

    fn save(&self, user: User) -> User {
        let mut users = self.0.users.lock().expect("no panic");
        users.insert(user.id, user.clone());
        user
    }

    fn loads(&self) -> u64 {
        self.0.loads.load(Ordering::SeqCst)
    }
}

#[cached(key = "users:<id>", tags = ["all-users"], cache = cache, skip(cache, db))]
async fn get_user(cache: &Cache, db: &Db, id: u64) -> Answer<User> {
    db.load(id)
}

/// Its key is known when it has returned.
#[cache_put(key = "users:<ret.id>", tags = ["all-users"], cache = cache)]
async fn save_user(cache: &Cache, db: &Db, user: User) -> Answer<User> {
    Ok(db.save(user))
}

/// Its key is known before it runs. It stays at `gate` when it has written.
#[cache_put(key = "users:<id>", tags = ["all-users"], cache = cache)]
async fn rename(cache: Cache, db: Db, gate: Source, id: u64, name: &'static str) -> Answer<User> {
    let user = db.save(user(id, name));
    gate.load().await;
    Ok(user)
}

/// The same, with a key that is known only then.
#[cache_put(key = "users:<ret.id>", tags = ["all-users"], cache = cache)]
async fn rename_late(
    cache: Cache,
    db: Db,
    gate: Source,
    id: u64,
    name: &'static str,
) -> Answer<User> {
    let user = db.save(user(id, name));
    gate.load().await;
    Ok(user)
}

/// What keeps a task of the test from going on.
async fn ended<T>(task: tokio::task::JoinHandle<T>) -> T {
    task.await.expect("no panic")
}
