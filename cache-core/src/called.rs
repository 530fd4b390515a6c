//! The entry of a call that is named and not made: `of = [get_user(id)]`.

use std::future::Future;

use crate::{
    cache::Cache,
    event,
    handle::{EntryOf, caught_now},
};

/// Where the value of a call lies; `None` if nobody can know.
#[derive(Debug)]
pub struct Called(pub(crate) Option<(Cache, String)>);

/// Where the value of a cached call lies, if it asks the cache before it waits for anything. What
/// does not is logged: an attribute never fails a call.
pub fn call_of<F: Future>(entry: EntryOf<F>) -> Called
where
    F::Output: 'static,
{
    let Ok(caught) = caught_now(entry) else {
        event::not_named(std::any::type_name::<F>());
        return Called(None);
    };
    let key = caught.key().to_owned();
    Called(Some((caught.cache().clone(), key)))
}
