//! The future of a put, whose type says nothing of the value's: a wrong value is then one mistake
//! and not one at each place where the future is used.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{captured, soon::Soon};
use crate::{
    ask::{Ask, Asking},
    caught::Caught,
    error::Result,
};

/// What [`EntryOf::put`](super::EntryOf::put) returns.
#[must_use = "nothing is stored until it is awaited"]
pub struct PutEntry<F: Future> {
    asking: Asking,
    call: Pin<Box<F>>,
    output: Option<F::Output>,
    storing: Option<Soon<()>>,
}

/// Only the call is pinned, in its box.
impl<F: Future> Unpin for PutEntry<F> {}

impl<F: Future> PutEntry<F> {
    pub(super) fn new(call: F, output: F::Output) -> Self {
        Self {
            asking: Asking::new(Ask::Capture),
            call: Box::pin(call),
            output: Some(output),
            storing: None,
        }
    }
}

impl<F: Future> Future for PutEntry<F>
where
    F::Output: 'static,
{
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.storing.is_none() {
            let caught = match this.asking.poll(this.call.as_mut(), context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(answer) => captured(answer)?,
            };
            this.storing = this.output.take().map(|output| store(caught, output));
        }
        let storing = this.storing.as_mut().expect("it was captured once");
        storing.as_mut().poll(context)
    }
}

pub(super) fn store<R: 'static>(caught: Caught, output: R) -> Soon<()> {
    let kept = caught.kept(output);
    Box::pin(async move { caught.store(kept?).await })
}

impl<F: Future> fmt::Debug for PutEntry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutEntry").finish_non_exhaustive()
    }
}
