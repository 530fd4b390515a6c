//! What a caller asks of the first cached function that a call meets, instead of an ordinary
//! result.
//!
//! An ask lies on the thread while its call is polled, and nowhere else: so it finds its way
//! through methods, trait objects and whatever else stands between, it goes with the call from
//! thread to thread, and it is gone when the first function has taken it. An ordinary call pays
//! one look at a byte.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use crate::{caught::Caught, site::Site, sync::thread_local};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ask {
    /// Say which key this is, and do not run: [`Answer::Caught`].
    Capture = 1,
    /// Run, even if there is a value, and store the result.
    Refresh = 2,
    /// Run, and leave the cache alone.
    Uncached = 3,
}

/// What became of a call that was asked something.
#[derive(Debug)]
pub(crate) enum Answer<R> {
    /// It ended with this output; `taken` says whether a cached function took the ask.
    Ended {
        /// What the call gave.
        output: R,
        /// Whether a cached function took the ask.
        taken: bool,
    },
    /// It was asked to be captured and was. Its body did not begin.
    Caught(Caught),
    /// It was asked to be captured and has no entry of its own. Its body did not begin.
    Refused,
}

/// What a function hands over instead of a result.
enum Handed {
    Caught(Caught),
    Refusal,
}

const NOTHING: u8 = 0;

thread_local! {
    /// What is asked of the next cached function on this thread: nothing, or an [`Ask`].
    static ASKED: Cell<u8> = const { Cell::new(NOTHING) };
    /// What was handed over while the innermost asking call was polled.
    static HANDED: RefCell<Option<Handed>> = const { RefCell::new(None) };
}

/// Puts something in place of what was handed over. A thread that is ending has no place for it,
/// and functions that it still calls are asked nothing.
fn replace_handed(handed: Option<Handed>) -> Option<Handed> {
    let replaced = HANDED.try_with(|slot| slot.replace(handed));
    replaced.ok().flatten()
}

/// Runs a call and asks something of the first cached function that it meets.
pub(crate) async fn ask<F: Future>(ask: Ask, call: F) -> Answer<F::Output> {
    let (mut asking, mut call) = (Asking::new(ask), pin!(call));
    poll_fn(|context| asking.poll(call.as_mut(), context)).await
}

/// What is still asked of a call between two of its polls.
pub(crate) struct Asking(u8);

impl Asking {
    pub(crate) fn new(ask: Ask) -> Self {
        Self(ask as u8)
    }

    pub(crate) fn poll<F: Future>(
        &mut self,
        call: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<Answer<F::Output>> {
        let scope = Scope::enter(self.0);
        let polled = call.poll(context);
        self.0 = ASKED.with(Cell::get);
        let handed = replace_handed(None);
        drop(scope);
        match (handed, polled) {
            (Some(Handed::Caught(caught)), _) => Poll::Ready(Answer::Caught(caught)),
            (Some(Handed::Refusal), _) => Poll::Ready(Answer::Refused),
            (None, Poll::Pending) => Poll::Pending,
            (None, Poll::Ready(output)) => Poll::Ready(Answer::Ended {
                output,
                taken: self.0 == NOTHING,
            }),
        }
    }
}

/// Makes a call that blocks, and asks something of the first cached function that it meets.
pub(crate) fn asking<R>(ask: Ask, call: impl FnOnce() -> R) -> R {
    let _scope = Scope::enter(ask as u8);
    call()
}

/// Takes what is asked of the function at `site`, if anything is.
#[inline]
pub(crate) fn take(site: &Site) -> Option<Ask> {
    match ASKED.with(Cell::get) {
        NOTHING => None,
        asked => take_if_able(asked, site),
    }
}

/// A function that blocks its thread cannot be captured: it would have to return something.
#[cold]
fn take_if_able(asked: u8, site: &Site) -> Option<Ask> {
    let ask = match asked {
        1 if site.blocks => return None,
        1 => Ask::Capture,
        2 => Ask::Refresh,
        _ => Ask::Uncached,
    };
    ASKED.with(|cell| cell.set(NOTHING));
    Some(ask)
}

/// Whether the next function is asked to be captured: then it tells its key also where a condition
/// keeps it from the cache.
#[inline]
pub fn captures() -> bool {
    ASKED.with(Cell::get) == Ask::Capture as u8
}

/// Whether the next function is asked anything.
pub fn is_asked() -> bool {
    ASKED.with(Cell::get) != NOTHING
}

/// Takes whatever is asked of a function that has nothing to do with the cache this time.
pub(crate) fn take_any() {
    ASKED.with(|cell| cell.set(NOTHING));
}

/// Hands a function over to who asked for it, and ends here: who asked drops the call.
pub(crate) async fn hand_over(caught: Caught) -> ! {
    replace_handed(Some(Handed::Caught(caught)));
    pending().await
}

/// Tells who asked for a function that there is no one entry to hand over, and ends here.
pub(crate) async fn refuse() -> ! {
    replace_handed(Some(Handed::Refusal));
    pending().await
}

/// Keeps what is asked away from what runs while the returned guard lives: the load of a function
/// that blocks, which has not taken what it cannot do.
pub(crate) fn quiet() -> impl Drop {
    Scope::enter(NOTHING)
}

/// What was asked outside, while something else is asked inside.
struct Scope {
    asked: u8,
    handed: Option<Handed>,
}

impl Scope {
    fn enter(asked: u8) -> Self {
        Self {
            asked: ASKED.with(|cell| cell.replace(asked)),
            handed: replace_handed(None),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        ASKED.with(|cell| cell.set(self.asked));
        replace_handed(self.handed.take());
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::{
        future::{poll_fn, ready},
        panic::{AssertUnwindSafe, catch_unwind},
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
        thread,
    };

    use super::{Answer, Ask, ask, quiet};
    use crate::site::Site;

    static SITE: Site = Site::new("tests::function", "key");
    static BLOCKS: Site = Site::new("tests::blocks", "key").blocks();

    fn take() -> Option<Ask> {
        super::take(&SITE)
    }

    /// What a future that waits for nothing gives.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match poll(pin!(future)) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("it waits for nothing"),
        }
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Gives way once.
    async fn later() {
        let mut waited = false;
        poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// What became of a call that was not captured, and whether the ask was taken.
    fn ended<R>(answer: Answer<R>) -> (R, bool) {
        match answer {
            Answer::Ended { output, taken } => (output, taken),
            Answer::Caught(_) | Answer::Refused => unreachable!("nothing here hands itself over"),
        }
    }

    #[test]
    fn the_first_taker_takes_it_and_nobody_after() {
        let call = async { (take(), take()) };
        let (asks, taken) = ended(now(ask(Ask::Refresh, call)));
        assert_eq!(asks, (Some(Ask::Refresh), None));
        assert!(taken);
        assert_eq!(take(), None, "nothing is left on the thread");
    }

    #[test]
    fn what_nobody_takes_is_reported() {
        assert_eq!(ended(now(ask(Ask::Uncached, ready(7)))), (7, false));
        assert_eq!(take(), None);
    }

    #[test]
    fn who_blocks_cannot_be_captured() {
        let call = async { (super::take(&BLOCKS), take()) };
        let (takes, _) = ended(now(ask(Ask::Capture, call)));
        assert_eq!(takes, (None, Some(Ask::Capture)));
        let call = async { super::take(&BLOCKS) };
        let (take, _) = ended(now(ask(Ask::Refresh, call)));
        assert_eq!(take, Some(Ask::Refresh));
    }

    #[test]
    fn between_two_polls_it_is_on_no_thread() {
        let call = async {
            later().await;
            take()
        };
        let mut asked = Box::pin(ask(Ask::Refresh, call));
        assert!(poll(asked.as_mut()).is_pending());
        assert_eq!(take(), None);
        let elsewhere = thread::spawn(move || now(asked)).join().expect("no panic");
        assert_eq!(ended(elsewhere), (Some(Ask::Refresh), true));
    }

    #[test]
    fn an_ask_within_an_ask_leaves_the_outer_one_as_it_was() {
        let inner = async {
            let first = take();
            later().await;
            (first, take())
        };
        let outer = async {
            let inner = ended(ask(Ask::Refresh, inner).await);
            (inner, take())
        };
        let mut outer = pin!(ask(Ask::Uncached, outer));
        assert!(poll(outer.as_mut()).is_pending());
        let ((inner, taken), outer) = ended(now(outer)).0;
        assert_eq!(
            inner,
            (Some(Ask::Refresh), None),
            "nor takes it the outer one"
        );
        assert!(taken);
        assert_eq!(outer, Some(Ask::Uncached));
    }

    #[test]
    fn a_panic_takes_it_along() {
        let panics = ask(Ask::Refresh, async { panic!("as it must") });
        let thrown = catch_unwind(AssertUnwindSafe(|| now(panics)));
        assert!(thrown.is_err());
        assert_eq!(take(), None);
    }

    #[test]
    fn what_runs_in_quiet_sees_nothing() {
        let call = async {
            let within = {
                let _quiet = quiet();
                take()
            };
            (within, take())
        };
        let (takes, _) = ended(now(ask(Ask::Refresh, call)));
        assert_eq!(takes, (None, Some(Ask::Refresh)));
    }
}
