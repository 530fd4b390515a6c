//! Annotated functions wherever one can stand. Nothing calls them: they are found all the same.

#![deny(warnings)]
#![allow(clippy::unused_async, reason = "they stand for queries")]

use larder::{Cache, cache_put, cached, invalidate_cache};

/// Plain.
#[cached(key = "users:<id>", tags = ["team:<team>"], skip(team))]
pub async fn get_user(id: u64, team: u32) -> u64 {
    id + u64::from(team)
}

#[cached(ttl = 60)]
async fn private() -> u64 {
    0
}

/// With a function inside.
pub async fn outer() -> u64 {
    #[cached(key = "inside:<id>")]
    async fn inner(id: u64) -> u64 {
        id
    }
    inner(1).await + private().await
}

/// Never made with any `T`.
#[cached(key = "generic:<id>")]
pub async fn generic<T: Clone + Send + Sync + 'static>(id: u64) -> Option<T> {
    let _ = id;
    None
}

/// What functions stand in.
#[derive(Debug)]
pub struct Repo<T> {
    /// Where they keep what they return.
    pub cache: Cache,
    /// What makes the methods generic.
    pub of: T,
}

impl<T: Sync> Repo<T> {
    /// A method.
    #[cached(key = "posts:<id>", cache = self.cache)]
    pub async fn post(&self, id: u64) -> u64 {
        id
    }

    /// Another, which writes.
    #[invalidate_cache(prefix = "posts:<id>", cache = self.cache)]
    pub async fn write(&self, id: u64) -> u64 {
        id
    }
}

/// With a function that nobody overrides.
pub trait Read: Sync {
    /// Default.
    #[expect(async_fn_in_trait, reason = "nobody spawns it")]
    #[cached(key = "defaults:<id>", cache = "named", skip(self))]
    async fn read(&self, id: u64) -> u64
    where
        Self: Sized,
    {
        id
    }
}

/// Of everything.
#[invalidate_cache(prefix = ["users", "inside:<id>", "generic"], tags = ["team:<id>"])]
pub async fn change(id: u64) -> u64 {
    id
}

/// Of all in another cache.
#[invalidate_cache(all, cache = "named")]
pub async fn forget() {}

/// What others store and name.
pub mod rows {
    use larder::cached;

    /// Stored by another.
    #[cached(key = "stored:<id>")]
    pub async fn stored(id: u64) -> u64 {
        id
    }

    /// Named by its call, and in a cache of its own.
    #[cached(cache = "rows")]
    pub async fn called(id: u64) -> u64 {
        id
    }

    /// On a thread.
    #[cached(key = "sync:<id>")]
    pub fn blocking(id: u64) -> u64 {
        id
    }
}

/// Of both, with two attributes.
#[cache_put(key = "stored:<id>")]
#[invalidate_cache(of = [rows::called(id), rows::blocking(id)])]
pub async fn store(id: u64) -> u64 {
    id
}
