//! The typed methods of a cache, for keys that are written by hand.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cache::{Cache, Change},
    call::Call,
    codec::{Auto, Table},
    entry::Live,
    error::{Error, ErrorKind, Result},
    event,
    flight::Load,
    hand, key,
    near::KeyRef,
    outcome::{Cacheable, Carried, Fallible, Outcome, Shared},
    policy::Policy,
    serve,
    sync::Arc,
};

/// What is stored by hand: a value that can be cloned in this process and written as bytes for
/// others.
pub trait Storable: Cacheable + Serialize + DeserializeOwned {}
impl<T: Cacheable + Serialize + DeserializeOwned> Storable for T {}

/// How a value is stored by hand.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SetOptions {
    ttl: Option<Duration>,
    tags: Vec<String>,
}

impl SetOptions {
    /// The cache's own ttl, no tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the value lives, at least a millisecond: exactly, without jitter.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Adds a tag, by which it can be invalidated.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    fn check(&self) -> Result<()> {
        self.ttl.map_or(Ok(()), check_ttl)?;
        self.tags.iter().try_for_each(|tag| key::check(tag))
    }
}

/// Keys are text: segments with `:` between them, at most 4,096 bytes, without control
/// characters. `users:42:posts` is invalidated by the prefixes `users` and `users:42`. Values
/// that come from outside belong into a key through [`KeyWriter`](crate::KeyWriter), which
/// escapes them.
///
/// All methods fail with [`ErrorKind::Config`] if a key, prefix, tag or ttl cannot be.
impl Cache {
    /// The value under a key, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] or [`ErrorKind::Rejected`] if only the far tier could tell and
    /// did not. An entry of another type or version is no value, and no error.
    pub async fn get<T: Storable>(&self, key: &str) -> Result<Option<T>> {
        key::check(key)?;
        let call = self.by_hand::<T>(key, SetOptions::new());
        Ok(call
            .get()
            .await?
            .and_then(|live| live.downcast_ref().cloned()))
    }

    /// The values under several keys, in their order, in one round trip to the far tier.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_many<T: Storable>(&self, keys: &[&str]) -> Result<Vec<Option<T>>> {
        keys.iter().try_for_each(|key| key::check(key))?;
        let calls: Vec<_> = keys
            .iter()
            .map(|key| self.by_hand::<T>(key, SetOptions::new()))
            .collect();
        let found = hand::get_many(&calls).await?;
        Ok(found
            .into_iter()
            .map(|live| live.and_then(|live| live.downcast_ref().cloned()))
            .collect())
    }

    /// Stores a value for the cache's own ttl, in all tiers, in place of whatever was there.
    ///
    /// It counts as an invalidation of the key: a load of it that is on its way stores nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] or [`ErrorKind::Rejected`] if the far tier did not take it (a
    /// value over 1 MiB is refused); what it holds is then invalidated as soon as it can be.
    /// [`ErrorKind::Codec`] if the value does not read back from its bytes.
    pub async fn set<T: Storable>(&self, key: &str, value: &T) -> Result<()> {
        self.set_with(key, value, SetOptions::new()).await
    }

    /// The same, with a ttl and tags of its own.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub async fn set_with<T: Storable>(
        &self,
        key: &str,
        value: &T,
        options: SetOptions,
    ) -> Result<()> {
        key::check(key)?;
        options.check()?;
        let call = self.by_hand::<T>(key, options);
        call.set(Some(Arc::new(value.clone())), call.ttl()).await
    }

    /// Stores several values for the cache's own ttl, side by side.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), the first that occurs; the other values are stored all the same.
    pub async fn set_many<T: Storable>(&self, values: &[(&str, T)]) -> Result<()> {
        values.iter().try_for_each(|(key, _)| key::check(key))?;
        let calls: Vec<_> = values
            .iter()
            .map(|(key, value)| {
                let live: Live = Arc::new(value.clone());
                (self.by_hand::<T>(key, SetOptions::new()), live)
            })
            .collect();
        hand::set_many(calls).await
    }

    /// The value under a key, or else what `load` gives, which is stored. Of all who ask at the
    /// same time only one loads. The cache never fails this call: without it, or with a key that
    /// cannot be, which is logged, `load` runs.
    ///
    /// # Errors
    ///
    /// The error of `load`, also if another caller's run gave it; it is not stored.
    ///
    /// # Panics
    ///
    /// If `load` does, or if the loads of two others, for whom this call waited, did.
    pub fn get_or_load<T, E, F>(
        &self,
        key: &str,
        load: impl FnOnce() -> F + Send,
    ) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Storable,
        E: Carried + Clone,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.get_or_load_with(key, SetOptions::new(), load)
    }

    /// The same, with a ttl and tags of its own.
    ///
    /// # Errors
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Panics
    ///
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_with<T, E, F>(
        &self,
        key: &str,
        options: SetOptions,
        load: impl FnOnce() -> F + Send,
    ) -> Result<T, E>
    where
        T: Storable,
        E: Carried + Clone,
        F: Future<Output = Result<T, E>> + Send,
    {
        let shape = Fallible::<T, E, Shared>::NEW;
        let checked = key::check(key).and_then(|()| options.check());
        if let Err(error) = checked {
            event::not_cached(self.namespace(), &error);
            return load().await;
        }
        let call = self.by_hand::<T>(key, options);
        if let Some(hit) = call.hit(|live| shape.of_live(live)) {
            return hit;
        }
        let accepts = |loaded: &_| shape.accepts(loaded);
        let body = load();
        let load = Load::Borrowed(Box::pin(async move { shape.split(body.await) }));
        let loaded = Box::pin(serve::serve(&call, &accepts, load)).await;
        shape
            .join(loaded)
            .expect("only what was accepted is returned")
    }

    /// Whether there is a value, of any type, under a key.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.ttl(key).await?.is_some())
    }

    /// How much longer the value under a key lives, if there is one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn ttl(&self, key: &str) -> Result<Option<Duration>> {
        key::check(key)?;
        self.untyped(key).left().await
    }

    /// Gives the value under a key a new life from now on; `false` if there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn touch(&self, key: &str, ttl: Duration) -> Result<bool> {
        key::check(key)?;
        check_ttl(ttl)?;
        self.untyped(key).touch(ttl).await
    }

    /// Removes the value under a key from all tiers, here and in other processes.
    ///
    /// When it returns `Ok`, no call that begins later gets that value, nor any whose load began
    /// before this call. Removing what is not there succeeds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] or [`ErrorKind::Rejected`] if the far tier did not confirm it.
    /// It is tried again in the background; meanwhile this process does not believe the far
    /// tier.
    pub async fn remove(&self, key: &str) -> Result<()> {
        key::check(key)?;
        self.0.invalidate(&Change::default().key(key)).await
    }

    /// Removes all values whose keys are the prefix or begin with the prefix and `:`, in one
    /// round trip at any number of keys. `users:*` means `users`; `users` covers `users:1` and
    /// never `users2`.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove); [`ErrorKind::Config`] if the prefix holds another wildcard.
    pub async fn remove_prefix(&self, prefix: &str) -> Result<()> {
        let change = Change::default().prefix(key::prefix(prefix)?);
        self.0.invalidate(&change).await
    }

    /// Removes all values that were stored with this tag, in one round trip.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub async fn remove_tag(&self, tag: &str) -> Result<()> {
        key::check(tag)?;
        self.0.invalidate(&Change::default().tag(tag)).await
    }

    /// Removes all values of this cache's namespace, in one round trip.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub async fn clear(&self) -> Result<()> {
        self.0.invalidate(&Change::default().all()).await
    }

    /// Maintenance: removes all values whose keys match a pattern, in which `*` stands for any
    /// text and `?` for any one character; returns how many the far tier held. Near tiers are
    /// emptied whole.
    ///
    /// This walks over all keys of the store, page by page: O(keys), for an operator's hand and
    /// never for a request. Keys over 156 bytes, or with white space, are named by a hash in the
    /// far tier and match no pattern. To invalidate, use [`remove_prefix`](Self::remove_prefix)
    /// or [`remove_tag`](Self::remove_tag).
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove); [`ErrorKind::Rejected`] if the store cannot list its keys.
    pub async fn sweep(&self, pattern: &str) -> Result<u64> {
        key::check(pattern)?;
        self.0.sweep(pattern).await
    }

    fn by_hand<'c, T: Storable>(&'c self, key: &'c str, options: SetOptions) -> Call<'c> {
        let table = const { &Table::of::<T, Auto>() };
        self.call(key, options, table)
    }

    /// A call that takes a value of whatever type.
    fn untyped<'c>(&'c self, key: &'c str) -> Call<'c> {
        self.call(key, SetOptions::new(), &Table::ANY)
    }

    fn call<'c>(&'c self, key: &'c str, options: SetOptions, table: &'static Table) -> Call<'c> {
        Call {
            cache: &self.0,
            function: "by hand",
            key: KeyRef::of(key),
            tags: options.tags,
            policy: Policy {
                ttl: options.ttl,
                none_ttl: None,
                err_ttl: None,
                jitter: None,
            },
            table,
            version: 0,
            far: true,
            blocks: false,
            counts: &self.0.by_hand,
        }
    }
}

fn check_ttl(ttl: Duration) -> Result<()> {
    if ttl.is_zero() {
        return Err(Error::new(
            ErrorKind::Config,
            "a ttl of zero keeps nothing: remove the key, or give at least a millisecond",
        ));
    }
    Ok(())
}
