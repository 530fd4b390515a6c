//! What an expanded `#[invalidate_cache]` calls: what to invalidate, where, and when.

use std::{
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Duration,
};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    block::{self, block_on},
    cache::{Cache, Change},
    called::Called,
    deferred::hold,
    error::Result,
    event,
    far::Far,
    journal::Writer,
    key::{self, KeyWriter},
    sync::{Arc, all, together},
};

/// What one call of a writing function invalidates.
#[derive(Debug, Clone)]
#[must_use = "nothing is invalidated until it is run"]
pub struct Purge {
    cache: Cache,
    change: Change,
    /// What is in other caches than this one.
    elsewhere: Vec<(Cache, Change)>,
}

impl Purge {
    /// Nothing yet, in this cache.
    pub fn new(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            change: Change::default(),
            elsewhere: Vec::new(),
        }
    }

    /// As a part of this write, which its own invalidations do not overtake.
    pub fn by(mut self, writer: Writer) -> Self {
        self.change.writer = writer;
        self
    }

    /// Everything under the prefix that `write` writes.
    pub fn prefix(self, write: impl FnOnce(&mut KeyWriter)) -> Self {
        self.with(write, Change::prefix)
    }

    /// The key that `write` writes.
    pub fn key(self, write: impl FnOnce(&mut KeyWriter)) -> Self {
        self.with(write, Change::key)
    }

    /// Everything with the tag that `write` writes.
    pub fn tag(self, write: impl FnOnce(&mut KeyWriter)) -> Self {
        self.with(write, Change::tag)
    }

    /// The entry of this call, in the cache of its function.
    pub fn entry(mut self, called: Called) -> Self {
        let Some((cache, key)) = called.0 else {
            return self;
        };
        if Arc::ptr_eq(&cache.0, &self.cache.0) {
            self.change = self.change.key(&key);
            return self;
        }
        let known = self.elsewhere.iter_mut();
        let mut known = known.filter(|(there, _)| Arc::ptr_eq(&there.0, &cache.0));
        if let Some((_, change)) = known.next() {
            *change = mem::take(change).key(&key);
        } else {
            let change = Change {
                writer: self.change.writer,
                ..Change::default()
            };
            self.elsewhere.push((cache, change.key(&key)));
        }
        self
    }

    /// The entry of this call, in this cache.
    pub fn entry_here(mut self, called: Called) -> Self {
        if let Some((_, key)) = called.0 {
            self.change = self.change.key(&key);
        }
        self
    }

    /// Everything in the namespace.
    pub fn all(mut self) -> Self {
        self.change = self.change.all();
        self
    }

    fn with(
        mut self,
        write: impl FnOnce(&mut KeyWriter),
        add: impl FnOnce(Change, &str) -> Change,
    ) -> Self {
        let mut text = KeyWriter::new();
        write(&mut text);
        self.change = add(self.change, text.as_str());
        self
    }

    /// Invalidates. It never fails: what does not reach the far tier within the outage budget is
    /// logged and tried again in the background, and is not believed in this process meanwhile.
    pub async fn run(self) {
        let Some(this) = hold(self) else { return };
        let parts = this.parts();
        all(parts.iter().map(|(cache, change)| tell(cache, change))).await;
    }

    /// Invalidates, and says what went wrong: that is repeated in the background all the same.
    async fn confirm(self) -> Result<()> {
        let Some(this) = hold(self) else {
            return Ok(());
        };
        let parts = this.parts();
        let told = parts
            .iter()
            .map(|(cache, change)| cache.0.invalidate(change));
        together(told).await.into_iter().collect()
    }

    /// Invalidates from a plain `fn`: here at once, and in the far tier within the outage budget if
    /// a runtime goes on while this thread waits. If none does, as on the one thread of a
    /// current-thread runtime, or if the budget is not enough, the far tier is told in the
    /// background, and is not believed in this process meanwhile.
    pub fn run_blocking(self) {
        let Some(this) = hold(self) else { return };
        for (cache, change) in this.parts() {
            tell_blocking(&cache, &change);
        }
    }

    /// Arms a guard for the time in which the function runs.
    pub fn on_exit(self) -> PurgeGuard {
        PurgeGuard(Some(self))
    }

    /// What is to be invalidated in which cache.
    fn parts(self) -> Vec<(Cache, Change)> {
        let mut parts = self.elsewhere;
        if !self.change.is_empty() {
            parts.push((self.cache, self.change));
        }
        parts
    }
}

type Telling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn tell<'a>(cache: &'a Cache, change: &'a Change) -> Telling<'a> {
    Box::pin(async move {
        let told = cache.0.invalidate_within(change, Duration::ZERO);
        if let Err(error) = told.await {
            event::not_invalidated(cache.namespace(), &error);
        }
    })
}

fn tell_blocking(cache: &Cache, change: &Change) {
    cache.0.forget_change(change);
    let Some(far) = &cache.0.far else {
        event::invalidated(cache.namespace(), change);
        cache.0.witness.note_change(change);
        return;
    };
    let told = elsewhere(far).and_then(|runtime| {
        let (there, cache, change) = (runtime.clone(), cache.clone(), change.clone());
        let telling = move || there.block_on(tell(&cache, &change));
        // Not `spawn`: that task could be next in line on the very worker that waits here. It
        // panics where the system has no thread to spare.
        let told = catch_unwind(AssertUnwindSafe(|| runtime.spawn_blocking(telling)));
        block_on(block::within(far.outage_budget, told.ok()?))
    });
    if !matches!(told, Some(Ok(()))) {
        event::told_later(cache.namespace());
        cache.0.invalidate_later(change);
    }
}

/// Invalidates if it is dropped, because a function that was cancelled or panicked may have
/// written all the same.
#[derive(Debug)]
#[must_use = "dropping it invalidates at once"]
pub struct PurgeGuard(Option<Purge>);

impl PurgeGuard {
    /// Invalidates now.
    ///
    /// # Panics
    ///
    /// Never: only this and `disarm` take what is inside, and both take the guard itself.
    pub async fn run(mut self) {
        let purge = self.0.take().expect("only this takes it");
        // Should this call be dropped in the middle, the guard that lives here goes on.
        let mut guard = Self(Some(purge.clone()));
        purge.run().await;
        guard.0 = None;
    }

    /// Keeps all that is to be invalidated from being found or stored by anybody while the
    /// function runs, even if this process does not live to its end. For [`policy::LEASE_TTL`] at
    /// most; what takes longer is invalidated as by any other function.
    ///
    /// # Errors
    ///
    /// If a far tier does not confirm it within 250 ms. Nothing has been written yet, and nothing
    /// should be.
    ///
    /// # Panics
    ///
    /// Never: only what takes the guard itself takes what is inside.
    ///
    /// [`policy::LEASE_TTL`]: crate::policy::LEASE_TTL
    pub async fn mark(self) -> Result<Self> {
        let purge = self.0.as_ref().expect("nobody has taken it");
        let parts = purge.clone().parts();
        let marks = parts.iter().map(|(cache, change)| cache.0.mark(change));
        together(marks).await.into_iter().collect::<Result<()>>()?;
        Ok(self)
    }

    /// Invalidates now, and says what went wrong: that is repeated in the background all the same.
    ///
    /// # Errors
    ///
    /// If a far tier does not confirm it within 250 ms.
    ///
    /// # Panics
    ///
    /// Never: only what takes the guard itself takes what is inside.
    pub async fn confirm(mut self) -> Result<()> {
        let purge = self.0.take().expect("only this takes it");
        // As in `run`.
        let mut guard = Self(Some(purge.clone()));
        let told = purge.confirm().await;
        guard.0 = None;
        told
    }

    /// Adds what is known only now.
    pub fn and(mut self, add: impl FnOnce(Purge) -> Purge) -> Self {
        self.0 = self.0.take().map(add);
        self
    }

    /// Whether it is about one of these keys and groups.
    pub(crate) fn touches(&self, hashes: &[u64]) -> bool {
        self.0.as_ref().is_some_and(|purge| {
            let there = purge.elsewhere.iter().map(|(_, change)| change);
            let mut names = there
                .chain([&purge.change])
                .flat_map(|change| change.keys.iter().chain(&change.groups));
            names.any(|name| hashes.contains(&key::hash(name)))
        })
    }

    /// Invalidates now, from a plain `fn`.
    pub fn run_blocking(mut self) {
        if let Some(purge) = self.0.take() {
            purge.run_blocking();
        }
    }

    /// Lets it be: nothing was written.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for PurgeGuard {
    fn drop(&mut self) {
        let Some(purge) = mem::take(&mut self.0).and_then(hold) else {
            return;
        };
        for (cache, change) in purge.parts() {
            let Ok(runtime) = Handle::try_current() else {
                cache.0.invalidate_later(&change);
                continue;
            };
            cache.0.forget_change(&change);
            runtime.spawn(Owed(Some((cache, change))).pay());
        }
    }
}

/// An invalidation that nobody waits for. Dropped with its runtime, it is left to another.
struct Owed(Option<(Cache, Change)>);

impl Owed {
    async fn pay(mut self) {
        if let Some((cache, change)) = &self.0 {
            tell(cache, change).await;
        }
        self.0 = None;
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some((cache, change)) = &self.0 {
            cache.0.invalidate_later(change);
        }
    }
}

/// A runtime that goes on while this thread is held up.
fn elsewhere(far: &Far) -> Option<Handle> {
    match Handle::try_current() {
        Ok(here) => (here.runtime_flavor() != RuntimeFlavor::CurrentThread).then_some(here),
        Err(_) => far.flux.home(),
    }
}
