//! Functions that give their result by a future, whoever makes it.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use larder::{cached, invalidate_cache};

#[derive(Clone, Debug)]
struct Lost;

type Answer<T> = Result<T, Lost>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Clone)]
struct Users {
    region: Arc<str>,
}

#[async_trait]
trait Store: Send + Sync {
    async fn name(&self, id: u64) -> Answer<Option<String>>;

    async fn region(&self) -> String;

    #[cached(key = "default:<id>")]
    async fn by_default(&self, id: u64) -> Answer<String> {
        Ok(self.name(id).await?.unwrap_or_default())
    }

    #[invalidate_cache(prefix = "store:<id>")]
    async fn rename(&mut self, id: u64, name: &str) -> Answer<()> {
        if name.is_empty() {
            return Err(Lost);
        }
        self.name(id).await.map(drop)
    }

    #[cached(skip(_unused))]
    async fn associated(id: u64, _unused: &str) -> u64
    where
        Self: Sized,
    {
        id
    }
}

#[async_trait]
impl Store for Users {
    #[cached(key = "store:<self.region>:<id>", tags = ["region:<self.region>"], none_ttl = "1s")]
    async fn name(&self, id: u64) -> Answer<Option<String>> {
        let name = find(id).ok_or(Lost)?;
        if name.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!("{}{name}", self.region)))
    }

    #[cached(skip(self))]
    async fn region(&self) -> String {
        self.region.to_string()
    }
}

fn find(id: u64) -> Option<String> {
    (id > 0).then(|| id.to_string())
}

#[async_trait]
trait Generic<T: Clone + Send + Sync + 'static>: Send + Sync {
    async fn get<K>(&self, key: K) -> T
    where
        K: larder::KeyPart + Send + Sync + 'static;
}

#[async_trait]
impl<T: Clone + Send + Sync + 'static> Generic<T> for Vec<T> {
    #[cached(key = "generic:<key>", skip(self), local)]
    async fn get<K>(&self, key: K) -> T
    where
        K: larder::KeyPart + Send + Sync + 'static,
    {
        drop(key);
        self[0].clone()
    }
}

impl Users {
    #[cached(key = "boxed:<self.region>:<id>")]
    fn boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = Answer<String>> + Send + '_>> {
        Box::pin(async move {
            let name = find(id).ok_or(Lost)?;
            Ok(format!("{}{name}", self.region))
        })
    }

    #[cached(key = "not_send:<self.region>:<id>")]
    fn boxed_without_send<'a>(&'a self, id: &'a u64) -> Pin<Box<dyn Future<Output = u64> + 'a>> {
        Box::pin(async move { *id })
    }

    #[cached(key = "prepared:<self.region>:<id>")]
    fn prepared(&self, id: u64) -> BoxFuture<'_, Option<String>> {
        if id == 0 {
            return Box::pin(std::future::ready(None));
        }
        let region = Arc::clone(&self.region);
        Box::pin(async move { Some(format!("{region}{id}")) })
    }

    #[cached(key = "opaque:<self.region>:<id>")]
    fn opaque(&self, id: u64) -> impl Future<Output = Answer<String>> + Send {
        async move {
            let name = find(id).ok_or(Lost)?;
            Ok(format!("{}{name}", self.region))
        }
    }

    #[cached(key = "built:<self.region>:<id>")]
    fn opaque_and_built(&mut self, id: u64) -> impl Future<Output = usize> + Send {
        let region = &mut self.region;
        async move { region.len() + usize::try_from(id).unwrap_or(0) }
    }

    #[invalidate_cache(prefix = "boxed:<self.region>", keys = ["opaque:<self.region>:<id>"])]
    fn write(&mut self, id: u64) -> BoxFuture<'_, Answer<&str>> {
        let region = &mut self.region;
        Box::pin(async move { if id == 0 { Err(Lost) } else { Ok(&**region) } })
    }

    #[invalidate_cache(tags = ["region:<self.region>"], when = always)]
    fn write_opaquely(&self) -> impl Future<Output = Answer<()>> + Send + '_ {
        async move {
            if self.region.is_empty() {
                Err(Lost)
            } else {
                Ok(())
            }
        }
    }
}

// Kept as a whole: only the body knows its type.
#[cached(local)]
async fn squares(below: u64) -> impl Iterator<Item = u64> + Clone {
    let squares: Vec<_> = (0..below).map(|n| n * n).collect();
    squares.into_iter()
}

#[cached]
async fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1).await + fibonacci(n - 2).await
    }
}

#[cached(key = "even:<n>", skip(name))]
async fn generic_recursion<T: AsRef<str> + Send + Sync>(n: u64, name: &T) -> Answer<usize> {
    match n {
        0 => Ok(name.as_ref().len()),
        _ => generic_recursion::<T>(n - 1, name).await,
    }
}

impl Users {
    #[cached(key = "depth:<self.region>:<n>")]
    async fn depth(&self, n: u64) -> u64 {
        if n == 0 {
            0
        } else {
            1 + self.depth(n - 1).await
        }
    }

    #[cached(key = "associated_depth:<n>")]
    async fn associated_depth(n: u64) -> u64 {
        if n == 0 {
            0
        } else {
            1 + Self::associated_depth(n - 1).await
        }
    }
}

fn main() {
    let mut users = Users {
        region: Arc::from("eu"),
    };
    drop((
        users.name(1),
        users.region(),
        users.by_default(1),
        Users::associated(1, ""),
    ));
    drop(users.rename(1, "x"));
    drop(Generic::get(&vec![1_u8], 1_u8));
    drop((
        users.boxed(1),
        users.boxed_without_send(&1),
        users.prepared(1),
        users.opaque(1),
    ));
    drop(users.opaque_and_built(1));
    drop(users.write(1));
    drop(users.write_opaquely());
    drop(squares(1));
    drop((
        fibonacci(1),
        generic_recursion(1, &"x"),
        users.depth(1),
        Users::associated_depth(1),
    ));
}
