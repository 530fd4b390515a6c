//! What an expanded `#[invalidate_cache]` calls: what to invalidate, and when.

use std::{mem, time::Duration};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    block::{self, block_on},
    cache::{Cache, Change},
    event,
    far::Far,
    key::KeyWriter,
};

/// What one call of a writing function invalidates.
#[derive(Debug)]
#[must_use = "nothing is invalidated until it is run"]
pub struct Purge {
    cache: Cache,
    change: Change,
}

impl Purge {
    /// Nothing yet, in this cache.
    pub fn new(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            change: Change::default(),
        }
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
        let told = self.cache.0.invalidate_within(&self.change, Duration::ZERO);
        if let Err(error) = told.await {
            event::not_invalidated(self.cache.namespace(), &error);
        }
    }

    /// Invalidates from a plain `fn`: here at once, and in the far tier within the outage budget if
    /// a runtime goes on while this thread waits. If none does, as on the one thread of a
    /// current-thread runtime, or if the budget is not enough, the far tier is told in the
    /// background, and is not believed in this process meanwhile.
    pub fn run_blocking(self) {
        let (cache, change) = (self.cache.clone(), self.change.clone());
        cache.0.forget_change(&change);
        let Some(far) = &cache.0.far else {
            event::invalidated(cache.namespace(), &change);
            return;
        };
        let told = elsewhere(far).and_then(|runtime| {
            let there = runtime.clone();
            // Not `spawn`: that task could be next in line on the very worker that waits here.
            let told = runtime.spawn_blocking(move || there.block_on(self.run()));
            block_on(block::within(far.outage_budget, told))
        });
        if !matches!(told, Some(Ok(()))) {
            event::told_later(cache.namespace());
            cache.0.invalidate_later(&change);
        }
    }

    /// Arms a guard for the time in which the function runs.
    pub fn on_exit(self) -> PurgeGuard {
        PurgeGuard(Some(self))
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
        let mut guard = Self(Some(Purge {
            cache: purge.cache.clone(),
            change: purge.change.clone(),
        }));
        purge.run().await;
        guard.0 = None;
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
        let Some(Purge { cache, change }) = mem::take(&mut self.0) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            cache.0.invalidate_later(&change);
            return;
        };
        cache.0.forget_change(&change);
        runtime.spawn(async move { Purge { cache, change }.run().await });
    }
}

/// A runtime that goes on while this thread is held up.
fn elsewhere(far: &Far) -> Option<Handle> {
    match Handle::try_current() {
        Ok(here) => (here.runtime_flavor() != RuntimeFlavor::CurrentThread).then_some(here),
        Err(_) => far.flux.home(),
    }
}
