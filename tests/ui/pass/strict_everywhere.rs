#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::{future::Future, pin::Pin};

use larder::{cached, invalidate_cache};

type Answer = Result<u64, Box<dyn std::error::Error + Send + Sync>>;

#[cached(ttl = 60)]
async fn user(id: u64) -> u64 {
    id
}

#[invalidate_cache(keys = "users:<id>", strict)]
#[invalidate_cache(prefix = "names")]
async fn rename(id: u64) -> Result<u64, larder::Error> {
    Ok(id)
}

#[invalidate_cache(strict, of = [user(id)], tags = ["team"])]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    Box::pin(async move { Ok(id) })
}

#[invalidate_cache(all, strict)]
fn opaque(id: u64) -> impl Future<Output = Answer> + Send {
    async move { Ok(id) }
}

struct Repo;

impl Repo {
    #[invalidate_cache(prefix = "users", strict)]
    async fn clear<T: Send>(&self, what: T) -> Result<T, larder::Error> {
        Ok(what)
    }
}

fn main() {
    drop((rename(1), boxed(1), opaque(1), Repo.clear(1), user(1)));
}
