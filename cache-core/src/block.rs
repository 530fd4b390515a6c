//! How a thread waits for what tasks wait for: it polls, parks, and runs a load in between.
//!
//! A plain `fn` goes the way of every other call, `serve`, but on a thread of its own: nobody may
//! be there who polls or keeps time, so that neither a runtime nor its timers are asked for.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use crate::{
    ask,
    flight::{Inside, Panic, Place},
    outcome::Loaded,
    sync::{Arc, AtomicBool, Mutex, Ordering, lock, thread},
};

thread_local! {
    /// When the future that was just polled wants to be polled again, whatever happens.
    static WAKE_BY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// What `future` gives within `span`, while [`block_on`] or [`run_between`] polls it; `None` after
/// that.
pub(crate) async fn within<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let deadline = Instant::now().checked_add(span);
    // Explored schedules have no time.
    let Some(deadline) = deadline.filter(|_| !cfg!(shuttle)) else {
        return Some(future.await);
    };
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if Instant::now() >= deadline => Poll::Ready(None),
        Poll::Pending => {
            WAKE_BY.set(Some(deadline));
            Poll::Pending
        }
    })
    .await
}

/// Waits for `future` on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    run_between(future, &Asked::default(), &mut || {
        unreachable!("nobody asked for a load")
    })
}

/// Waits for `future` on this thread, and runs `load` on it as soon as the future asks by `asked`.
///
/// The load runs between two polls and not in one, so that it need not be `Send`, which every
/// part of that future is.
pub(crate) fn run_between<F: Future>(
    future: F,
    asked: &Asked,
    load: &mut dyn FnMut() -> Loaded,
) -> F::Output {
    let mut future = pin!(future);
    let parked = Arc::new(Parked::here());
    let waker = Waker::from(parked.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        WAKE_BY.set(None);
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        let wake_by = WAKE_BY.take();
        match asked.begin() {
            Some(place) => {
                let inside = place.enter();
                let _quiet = ask::quiet();
                let ended = catch_unwind(AssertUnwindSafe(&mut *load));
                drop(inside);
                asked.end(ended);
            }
            None => parked.park(wake_by),
        }
    }
}

/// A load that [`run_between`] runs: a future that ends when that has been done.
#[derive(Default, Clone)]
pub(crate) struct Asked(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    /// Wanted, as a part of the load there.
    Wanted(Place),
    Ended(Result<Loaded, Panic>),
}

impl Asked {
    /// Where the load belongs, if it is wanted.
    fn begin(&self) -> Option<Place> {
        match *lock(&self.0) {
            State::Wanted(place) => Some(place),
            State::Idle | State::Ended(_) => None,
        }
    }

    fn end(&self, ended: Result<Loaded, Panic>) {
        *lock(&self.0) = State::Ended(ended);
    }
}

impl Future for Asked {
    type Output = Loaded;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Loaded> {
        let wanted = State::Wanted(Inside::place());
        let before = std::mem::replace(&mut *lock(&self.0), wanted);
        match before {
            State::Ended(Ok(loaded)) => Poll::Ready(loaded),
            // Where it would have been thrown, had it run in here.
            State::Ended(Err(panic)) => resume_unwind(panic),
            State::Idle | State::Wanted(_) => Poll::Pending,
        }
    }
}

/// A thread that waits to be woken. The flag is apart from the thread's own token, which the
/// user's code may take while it runs on this thread.
struct Parked {
    thread: thread::Thread,
    woken: AtomicBool,
}

impl Parked {
    fn here() -> Self {
        Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        }
    }

    /// Returns when woken, or at `deadline`.
    fn park(&self, deadline: Option<Instant>) {
        while !self.woken.swap(false, Ordering::AcqRel) {
            let Some(deadline) = deadline else {
                thread::park();
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
