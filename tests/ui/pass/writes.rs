#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::sync::Arc;

use larder::{Cache, cache_put, cached, invalidate_cache};

#[derive(Clone)]
pub struct User {
    id: u64,
    name: String,
    r#type: (u8, u8),
}

type Answer<T> = Result<Option<T>, NotClone>;

pub struct NotClone;

/// Stores.
///
/// # Errors
///
/// Never.
#[cache_put(key = "users:<ret.id>")]
pub async fn of_a_field(user: User) -> Result<User, String> {
    std::future::ready(Ok(user)).await
}

#[cache_put(key = "users:<ret.id>", tags = ["type:<ret.r#type.1>", "name:<ret.name:lower>"], ttl = "10m")]
async fn of_an_alias(user: User) -> Answer<User> {
    Ok(Some(user))
}

#[cache_put(key = "users:<user.id>", if = user.id > 0, version = 2, local, unless = |user| user.name.is_empty())]
async fn of_arguments_alone(mut user: User) -> Option<Arc<User>> {
    user.id += 1;
    (user.id > 1).then(|| Arc::new(user))
}

#[cache_put(key = "names:<ret>:<name:hash>:<put>:<output>", unless = String::is_empty)]
async fn of_both(name: String, put: u8, output: u8, writer: u8, shape: u8, key: u8) -> String {
    format!("{name}{put}{output}{writer}{shape}{key}")
}

#[cache_put(key = "pairs:<ret.0>:<ret.1>")]
async fn of_a_tuple<T>(first: u64, _: T) -> (u64, u64)
where
    T: Send,
{
    (first, first)
}

#[cache_put(key = "items:<id>")]
async fn of_any_type<T: Clone + Send + Sync + 'static>(id: u64, value: T) -> Option<T> {
    (id > 0).then_some(value)
}

#[invalidate_cache(prefix = "users:<ret.id>", keys = ["names:<old>:<ret.name>"], tags = ["all"])]
#[cache_put(key = "users:<ret.id>")]
#[invalidate_cache(keys = ["lists:<ret.id>"], when = always)]
#[invalidate_cache(prefix = "stats", when = before)]
async fn stacked(user: User, old: &str) -> Result<User, String> {
    if old.is_empty() { Ok(user) } else { Err(old.to_owned()) }
}

#[cached]
async fn listed(lang: String, page: u8) -> u64 {
    lang.len() as u64 + u64::from(page)
}

#[invalidate_cache(of = listed(lang, 1))]
async fn of_arguments(lang: String) -> usize {
    lang.len()
}

#[invalidate_cache(prefix = "users", of = [listed(ret.name, page + 1), listed(lang, 7), self::listed("en".into(), ret.r#type.0)])]
async fn of_the_result(user: User, page: u8, lang: String) -> Answer<User> {
    (lang.len() > usize::from(page))
        .then_some(Some(user))
        .ok_or(NotClone)
}

#[invalidate_cache(of = listed(lang.to_owned(), 1))]
fn of_a_plain_function(lang: &str) -> usize {
    lang.len()
}

mod below {
    // The import is for an attribute that the first one takes along.
    use larder::{cache_put as store, invalidate_cache};

    pub(crate) mod only {
        use larder::{cache_put, invalidate_cache};

        #[invalidate_cache(prefix = "lists")]
        #[cache_put(key = "numbers:<ret>")]
        pub(crate) async fn save(number: u64) -> u64 {
            number
        }
    }

    #[invalidate_cache(prefix = "lists")]
    #[store(key = "numbers:<ret>")]
    #[tracing::instrument]
    pub(crate) async fn save(number: u64) -> u64 {
        number
    }
}

struct Users {
    cache: Cache,
    region: String,
}

impl Users {
    #[cache_put(key = "users:<self.region>:<ret.id>", cache = self.cache)]
    async fn save(&mut self, user: User) -> Result<User, String> {
        self.region.push('x');
        Ok(user)
    }

    #[invalidate_cache(keys = ["users:<self.region>:<ret.id>"], cache = self.cache)]
    async fn forget(self, user: User) -> User {
        user
    }
}

trait Store {
    async fn put(&self, user: User) -> Option<User>;

    #[cache_put(key = "users:<ret.id>")]
    async fn put_twice(&self, user: User) -> Option<User> {
        self.put(user).await
    }
}

impl Store for u8 {
    #[cache_put(key = "users:<ret.id>")]
    async fn put(&self, user: User) -> Option<User> {
        Some(user)
    }
}

fn sent<T: Send>(_: T) {}

fn main() {
    let user = || User {
        id: 1,
        name: String::new(),
        r#type: (1, 2),
    };
    let spawned = async move {
        of_a_field(user()).await.ok();
        of_an_alias(user()).await.ok();
        of_arguments_alone(user()).await;
        of_both(String::new(), 1, 2, 3, 4, 5).await;
        of_a_tuple(1, ()).await;
        of_any_type(1, 1).await;
        stacked(user(), "").await.ok();
        of_arguments(String::new()).await;
        of_the_result(user(), 1, String::new()).await.ok();
        of_a_plain_function("");
        below::save(1).await;
        below::only::save(1).await;
        let cache = Cache::builder().build().expect("no tiers");
        let region = String::new();
        let mut users = Users { cache, region };
        users.save(user()).await.ok();
        users.forget(user()).await;
    };
    sent(spawned);
    drop(1.put_twice(user()));
}
