//! Where background work runs: on whatever runtime is there, and on another when that is gone.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::AbortHandle};

/// Work that has given no sign of life for this long is on a runtime that nobody drives.
const STALE: Duration = Duration::from_secs(3);

/// A place for one background task. A task dies with its runtime, and a process may have
/// several: one for each test, or one that is only driven now and then.
#[derive(Debug, Default)]
pub(crate) struct Post(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts the tasks started here; only the last is the rightful one.
    turn: u64,
    /// When the present task last gave a sign of life, if there is one.
    seen: Option<Instant>,
    abort: Option<AbortHandle>,
    closed: bool,
}

impl Post {
    /// Starts `work` on the current runtime, unless it runs already. `false` outside of tokio.
    pub(crate) fn start<F>(self: &Arc<Self>, work: impl FnOnce(Shift) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else {
            return false;
        };
        let Some(shift) = self.next_shift() else {
            return true;
        };
        let turn = shift.turn;
        // Not under the lock: a runtime that is shutting down drops the work right here, and
        // with it the shift, which locks.
        let abort = runtime.spawn(work(shift)).abort_handle();
        let mut state = self.lock();
        if state.turn == turn && !state.closed {
            state.abort = Some(abort);
        } else {
            abort.abort();
        }
        true
    }

    fn next_shift(self: &Arc<Self>) -> Option<Shift> {
        let mut state = self.lock();
        let running = state.seen.is_some_and(|seen| seen.elapsed() < STALE);
        if running || state.closed {
            return None;
        }
        state.turn += 1;
        state.seen = Some(Instant::now());
        if let Some(stale) = state.abort.take() {
            stale.abort();
        }
        Some(Shift {
            post: Arc::clone(self),
            turn: state.turn,
        })
    }

    /// Ends the task, for good.
    pub(crate) fn close(&self) {
        let abort = {
            let mut state = self.lock();
            state.closed = true;
            state.abort.take()
        };
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right of one task to do the work of a post. Dropping it, which a runtime's end does too,
/// lets the next one start.
#[derive(Debug)]
pub(crate) struct Shift {
    post: Arc<Post>,
    turn: u64,
}

impl Shift {
    /// Gives a sign of life, due every second or so. `false` if another task has taken over.
    pub(crate) fn beat(&self) -> bool {
        let mut state = self.post.lock();
        let mine = state.turn == self.turn && !state.closed;
        if mine {
            state.seen = Some(Instant::now());
        }
        mine
    }

    /// Whether no other task has taken over.
    pub(crate) fn lasts(&self) -> bool {
        self.post.lock().turn == self.turn
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        let mut state = self.post.lock();
        if state.turn == self.turn {
            state.seen = None;
        }
    }
}
