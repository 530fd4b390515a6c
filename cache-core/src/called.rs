//! The entry of a call that is named and not made: `of = [get_user(id)]`.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::{cache::Cache, event, handle::EntryOf};

/// Where the value of a call lies; `None` if nobody can know.
#[derive(Debug)]
pub struct Called(pub(crate) Option<(Cache, String)>);

/// Where the value of a cached call lies, if it asks the cache before it waits for anything. What
/// does not is logged: an attribute never fails a call.
pub fn call_of<F: Future>(entry: EntryOf<F>) -> Called
where
    F::Output: 'static,
{
    let caught = pin!(entry.caught());
    match caught.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(caught)) => {
            let key = caught.key().to_owned();
            Called(Some((caught.cache().clone(), key)))
        }
        Poll::Ready(Err(_)) | Poll::Pending => {
            event::not_named(std::any::type_name::<F>());
            Called(None)
        }
    }
}
