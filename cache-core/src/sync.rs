//! The locks and atomics that flights and the fence are made of: std's, or shuttle's where
//! their schedules are explored; and waiting for futures, some time or several at once.

use std::{
    future::{Future, poll_fn},
    panic::catch_unwind,
    pin::Pin,
    task::Poll,
    time::Duration,
};

pub(crate) use std::sync::{Arc, Weak};

#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread, thread_local,
};

#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread, thread_local,
};

/// Locks, also after a panic: no state here is left half-changed by one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Whether there is a tokio runtime here that keeps time. One that was built without says so by a
/// panic and in no other way.
pub(crate) fn keeps_time() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
        && catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

/// What `future` gives within `span`; `None` after that.
pub(crate) async fn within<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    // Explored schedules have no time, and other runtimes than tokio's have none for us: there,
    // waiting ends by what is waited for or not at all.
    if cfg!(shuttle) || !keeps_time() {
        return Some(future.await);
    }
    tokio::time::timeout(span, future).await.ok()
}

/// What several futures give, polled side by side, in their order.
pub(crate) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let outputs = together_until(futures, |_| false).await;
    outputs.into_iter().flatten().collect()
}

/// The same, until one of them gives what `ends` it for all; `None` of those who have not ended.
pub(crate) async fn together_until<F: Future>(
    futures: impl IntoIterator<Item = F>,
    mut ends: impl FnMut(&F::Output) -> bool,
) -> Vec<Option<F::Output>> {
    let mut running: Vec<_> = futures.into_iter().map(|one| Err(Box::pin(one))).collect();
    poll_fn(|context| {
        let (mut pending, mut end) = (false, false);
        for one in &mut running {
            let Err(future) = one else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    end |= ends(&output);
                    *one = Ok(output);
                }
                Poll::Pending => pending = true,
            }
        }
        if pending && !end {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    running.into_iter().map(Result::ok).collect()
}

/// Runs all of these side by side, to their ends.
pub(crate) async fn all<F>(futures: impl Iterator<Item = Pin<Box<F>>>)
where
    F: Future<Output = ()> + ?Sized,
{
    let mut running: Vec<_> = futures.collect();
    poll_fn(|context| {
        running.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if running.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
