//! Invalidations that wait for a commit.

use std::{fmt, future::Future};

use crate::{
    purge::{Purge, PurgeGuard},
    sync::{Arc, Mutex, lock, together},
};

tokio::task_local! {
    static HELD: Held;
}

type Held = Arc<Mutex<Vec<Purge>>>;

/// Runs `future` and holds back what its `#[invalidate_cache]` and `#[cache_put]` functions would
/// invalidate, for after the commit of the transaction that they are a part of.
///
/// An invalidation before the commit is worse than none: whoever asks in between loads the old row
/// and keeps it. So commit, and then [`run`](Deferred::run) what was held back. A value that
/// `#[cache_put]` would store may yet be rolled back, so its key is invalidated instead. What
/// `future` spawns as tasks of their own, and the methods of [`Cache`](crate::Cache), are not held
/// back; nor is anything read: use `uncached` where a transaction is to read its own rows.
///
/// ```
/// # use cache_core::deferred;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # struct Tx; impl Tx { async fn commit(self) -> Result<(), String> { Ok(()) } }
/// # async fn rename(tx: &mut Tx, id: u64) -> Result<(), String> { Ok(()) }
/// let mut tx = Tx;
/// let (renamed, invalidations) = deferred(rename(&mut tx, 7)).await;
/// match renamed {
///     Ok(()) => {
///         tx.commit().await?;
///         invalidations.run().await;
///     }
///     Err(_) => invalidations.discard(), // and the transaction is rolled back
/// }
/// # Ok::<(), String>(()) }).unwrap();
/// ```
pub async fn deferred<F: Future>(future: F) -> (F::Output, Deferred) {
    let held = Held::default();
    // Made first: if this is dropped in the middle, it invalidates.
    let deferred = Deferred(Arc::clone(&held));
    let output = HELD.scope(held, future).await;
    (output, deferred)
}

/// Gives back what nobody holds back here.
pub(crate) fn hold(purge: Purge) -> Option<Purge> {
    let mut purge = Some(purge);
    let held = HELD.try_with(|held| lock(held).extend(purge.take()));
    // An error means that there is no transaction here.
    held.err().and(purge)
}

/// Whether invalidations are held back here.
pub(crate) fn holds() -> bool {
    HELD.try_with(|_| ()).is_ok()
}

/// Invalidations that were held back by [`deferred`].
///
/// If it is dropped, it invalidates in the background, because the commit may have happened.
#[must_use = "commit, then run it"]
pub struct Deferred(Held);

impl Deferred {
    /// Invalidates, now that the write is committed. It never fails: what does not reach the far
    /// tier within the outage budget is logged and tried again in the background, and is not
    /// believed in this process meanwhile.
    pub async fn run(self) {
        let purges = self.take().into_iter();
        // Should this be dropped in the middle, the guards go on.
        together(purges.map(|purge| purge.on_exit().run())).await;
    }

    /// Invalidates nothing: the write was rolled back.
    pub fn discard(self) {
        drop(self.take());
    }

    fn take(&self) -> Vec<Purge> {
        std::mem::take(&mut lock(&self.0))
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let guards = self.take().into_iter().map(Purge::on_exit);
        guards.for_each(|guard: PurgeGuard| drop(guard));
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = lock(&self.0).len();
        f.debug_struct("Deferred").field("held", &held).finish()
    }
}
