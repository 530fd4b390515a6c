//! A service whose arguments, values and errors are secrets, and everything that can be done with
//! its cache.

use std::{
    error::Error,
    fmt::{self, Debug},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use larder::{
    Cache, SetOptions, cache_put, cached,
    codec::{Json, MsgPack},
    invalidate_cache,
};
use serde::{Deserialize, Serialize, Serializer, ser};

/// What may stand nowhere: in no log, no error, no count, and in no name in the store.
pub(crate) const TOKEN: &str = "TOKEN-d41d8cd9";
/// What may stand in the store and nowhere else.
pub(crate) const VALUE: &str = "VALUE-8f00b204";
/// What the function's own errors say, which are nobody's business but the caller's.
pub(crate) const FAILURE: &str = "FAILURE-e9800998";
/// A part of a key that nobody called sensitive: it may stand in names, and at debug level.
pub(crate) const ID: &str = "ID-ecf8427e";

/// Whether reading, or writing, a value fails, in words that quote it.
pub(crate) static UNREADABLE: AtomicBool = AtomicBool::new(false);
pub(crate) static UNWRITABLE: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Email(#[serde(serialize_with = "write")] String);

fn write<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if UNWRITABLE.load(Ordering::SeqCst) {
        return Err(ser::Error::custom(format!("`{text}` cannot be written")));
    }
    serializer.serialize_str(text)
}

impl TryFrom<String> for Email {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if UNREADABLE.load(Ordering::SeqCst) {
            return Err(format!("`{text}` is not an address"));
        }
        Ok(Self(text))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    user: Email,
    note: String,
}

/// The same shape, read from the same entries, where a text is a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Loose {
    Number(u64),
    Session(Session),
}

#[derive(Debug, Clone)]
pub(crate) struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FAILURE)
    }
}

fn load() -> Session {
    Session {
        user: Email(VALUE.to_owned()),
        note: VALUE.repeat(200),
    }
}

#[cached(key = "sessions:<token>", tags = ["of:<token>"], sensitive(token), ttl = 60, cache = cache, skip(cache))]
async fn session(cache: &Cache, token: &str) -> Result<Session, Failure> {
    Ok(load())
}

#[cached(sensitive(token), codec = Json, ttl = 60, cache = cache, skip(cache))]
async fn as_json(cache: &Cache, token: &str) -> Session {
    load()
}

#[cached(sensitive(token), codec = MsgPack, ttl = 60, cache = cache, skip(cache))]
async fn as_msgpack(cache: &Cache, token: &str) -> Loose {
    Loose::Session(load())
}

#[cached(key = "by:<id>:<token:hash>", err_ttl = 60, cache = cache, skip(cache))]
async fn failing(cache: &Cache, id: &str, token: &str) -> Result<Session, Failure> {
    Err(Failure)
}

#[cached(key = "named:<id>", ttl = 60, cache = cache, skip(cache))]
async fn named(cache: &Cache, id: &str) -> Session {
    load()
}

#[cache_put(key = "sessions:<token:hash>", cache = cache)]
async fn rename(cache: &Cache, token: &str) -> Result<Session, Failure> {
    let _ = (cache, token);
    Ok(load())
}

#[invalidate_cache(keys = ["sessions:<token:hash>"], tags = ["of:<token:hash>"], cache = cache)]
async fn log_out(cache: &Cache, token: &str) -> Result<(), Failure> {
    let _ = (cache, token);
    Ok(())
}

/// What a program might print.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Texts {
    pub(crate) fn shown(&mut self, shown: &impl Debug) {
        self.0.push(format!("{shown:?} {shown:#?}"));
    }

    /// An error and all that caused it.
    pub(crate) fn failed<T>(&mut self, result: Result<T, larder::Error>) {
        let Err(error) = result else { return };
        self.shown(&error);
        let mut next: Option<&dyn Error> = Some(&error);
        while let Some(error) = next {
            self.0.push(format!("{error} {error:?}"));
            next = error.source();
        }
    }
}

/// Everything that can be done with a cache, of which each part may fail.
pub(crate) async fn use_all(cache: &Cache, texts: &mut Texts) {
    for _ in 0..2 {
        let loaded = session(cache, TOKEN).await;
        assert_eq!(loaded.expect("the cache never fails a call"), load());
        assert_eq!(as_json(cache, TOKEN).await, load());
        assert_eq!(as_msgpack(cache, TOKEN).await, Loose::Session(load()));
        assert_eq!(named(cache, ID).await, load());
        let failed = failing(cache, ID, TOKEN).await;
        assert_eq!(failed.expect_err("it always fails").to_string(), FAILURE);
    }
    let renamed = rename(cache, TOKEN).await;
    assert_eq!(renamed.expect("the cache never fails a call"), load());
    let refreshed = larder::entry(session(cache, TOKEN)).refresh().await;
    assert_eq!(refreshed.expect("the cache never fails a call"), load());
    texts.failed(larder::entry(session(cache, TOKEN)).peek().await);
    by_hand(cache, texts).await;
    log_out(cache, TOKEN)
        .await
        .expect("the cache never fails a call");
    texts.shown(cache);
    texts.shown(&cache.stats());
}

async fn by_hand(cache: &Cache, texts: &mut Texts) {
    let (key, value) = (format!("by_hand:{ID}"), load());
    let minute = Duration::from_secs(60);
    texts.failed(cache.set(&key, &value).await);
    let options = SetOptions::new().ttl(minute).tag("tag");
    texts.shown(&options);
    texts.failed(cache.set_with(&key, &value, options).await);
    texts.failed(cache.set_many(&[(&key, value)]).await);
    texts.failed(cache.get::<Session>(&key).await);
    texts.failed(cache.get_many::<Session>(&[&key]).await);
    texts.failed(cache.get::<u64>(&key).await);
    texts.failed(cache.touch(&key, minute).await);
    texts.failed(cache.ttl(&key).await);
    texts.failed(cache.exists(&key).await);
    texts.failed(cache.remove(&key).await);
    texts.failed(cache.remove_prefix("by_hand").await);
    texts.failed(cache.remove_tag("tag").await);
    texts.failed(cache.sweep("by_hand:*").await);
}
