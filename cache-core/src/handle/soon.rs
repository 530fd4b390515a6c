//! What companions call: entries of calls that ask the cache before they wait for anything, so that
//! a call is captured where it is made, and nothing of it is left in the future that is returned.

use std::{
    future::{Future, ready},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use super::{EntryOf, Returns, put::store, waits};
use crate::{
    ask::{self, Ask},
    block::block_on,
    caught::Caught,
    error::Result,
};

/// What a companion returns that does not run its function.
pub type Soon<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// The call, captured now.
pub(crate) fn caught_now<F: Future>(entry: EntryOf<F>) -> Result<Caught>
where
    F::Output: 'static,
{
    let caught = pin!(entry.caught());
    match caught.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(caught) => caught,
        Poll::Pending => Err(waits()),
    }
}

/// The key of a call.
///
/// # Panics
///
/// If the function waits for something before it looks into the cache.
pub fn key_of<F: Future>(entry: EntryOf<F>) -> String
where
    F::Output: 'static,
{
    match caught_now(entry) {
        Ok(caught) => caught.key().to_owned(),
        Err(error) => panic!("{error}"),
    }
}

/// [`EntryOf::put`].
pub fn put_of<F: Future>(entry: EntryOf<F>, value: impl Returns<F::Output>) -> Soon<()>
where
    F::Output: 'static,
{
    match caught_now(entry) {
        Ok(caught) => store(caught, value.returned()),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

/// [`EntryOf::invalidate`].
pub fn invalidate_of<F: Future>(entry: EntryOf<F>) -> Soon<()>
where
    F::Output: 'static,
{
    let caught = caught_now(entry);
    Box::pin(async move { caught?.invalidate().await })
}

/// [`EntryOf::peek`] for a function that blocks: its values lie in this process, so nobody waits.
///
/// # Errors
///
/// As there.
pub fn peek_now<F: Future>(entry: EntryOf<F>) -> Result<Option<F::Output>>
where
    F::Output: 'static,
{
    block_on(entry.peek())
}

/// [`EntryOf::put`] for a function that blocks.
///
/// # Errors
///
/// As there.
pub fn put_now<F: Future>(entry: EntryOf<F>, value: impl Returns<F::Output>) -> Result<()>
where
    F::Output: 'static,
{
    let caught = block_on(entry.caught())?;
    caught.store_blocking(caught.kept(value.returned())?)
}

/// [`EntryOf::invalidate`] for a function that blocks. Other processes are told as far as can be
/// waited for.
///
/// # Errors
///
/// As there, but not if other processes cannot be told: that is tried again.
pub fn invalidate_now<F: Future>(entry: EntryOf<F>) -> Result<()>
where
    F::Output: 'static,
{
    block_on(entry.caught())?.invalidate_blocking();
    Ok(())
}

/// [`EntryOf::refresh`] of a call that blocks.
pub fn refresh_now<R>(call: impl FnOnce() -> R) -> R {
    ask::asking(Ask::Refresh, call)
}

/// [`EntryOf::uncached`] of a call that blocks.
pub fn uncached_now<R>(call: impl FnOnce() -> R) -> R {
    ask::asking(Ask::Uncached, call)
}
