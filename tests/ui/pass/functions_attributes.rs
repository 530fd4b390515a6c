//! What stands on functions, on their parameters and around them.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use larder::{cached, invalidate_cache};
use tracing::instrument;

/// Plain, public, instrumented outside.
#[instrument]
#[cached(key = "plain:<id>")]
#[must_use]
pub fn plain_outside(id: u64) -> u64 {
    id
}

/// Plain, and instrumented inside.
#[cached(key = "plain:<id>:inside", skip(name))]
#[instrument(skip(name))]
#[must_use]
pub fn plain_inside(id: u64, #[allow(unused_variables)] name: &str) -> u64 {
    id
}

/// Instrumented outside, with fields and the error.
///
/// # Errors
///
/// If `id` is zero.
#[instrument(skip_all, fields(id), err, ret)]
#[cached(key = "outside:<id>", skip(name))]
#[allow(clippy::unused_async, reason = "that is what it is here for")]
pub async fn outside(id: u64, name: &str) -> Result<u64, std::fmt::Error> {
    tracing::debug!(name);
    if id == 0 {
        Err(std::fmt::Error)
    } else {
        Ok(id)
    }
}

/// Instrumented inside.
///
/// # Errors
///
/// If `id` is zero.
#[cached(key = "inside:<id>", skip(name))]
#[instrument(skip_all, fields(id), err, ret)]
#[allow(clippy::unused_async, reason = "that is what it is here for")]
pub async fn inside(id: u64, name: &str) -> Result<u64, std::fmt::Error> {
    tracing::debug!(name);
    if id == 0 {
        Err(std::fmt::Error)
    } else {
        Ok(id)
    }
}

/// Boxed by hand, instrumented both ways.
#[instrument]
#[cached(key = "boxed:<id>")]
#[instrument]
#[must_use]
pub fn boxed(id: u64) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { id })
}

/// Recursive and instrumented both ways.
#[instrument]
#[cached(key = "recursive:<id>")]
#[instrument]
pub async fn recursive(id: u64) -> u64 {
    if id == 0 { 0 } else { recursive(id - 1).await }
}

/// A write, instrumented both ways.
#[instrument]
#[invalidate_cache(prefix = "outside:<id>")]
#[instrument]
pub fn write(id: u64) {
    tracing::debug!(id);
}

#[async_trait::async_trait]
trait Service: Sync {
    #[instrument(skip(self))]
    #[cached(key = "service:<id>")]
    #[instrument(skip(self))]
    async fn both(&self, id: u64) -> u64 {
        id
    }
}

struct Unit;

#[async_trait::async_trait]
impl Service for Unit {}

/// Parameters that are there under a condition.
#[cached(key = "conditional:<id>:<there>:<nowhere>", skip(_nor_here))]
#[allow(clippy::unused_async, reason = "that is what it is here for")]
pub async fn conditional(
    id: u64,
    #[cfg(not(any()))] there: &str,
    #[cfg(any())] nowhere: Nothing,
    #[cfg_attr(not(any()), allow(unused_variables), cfg(any()))] _nor_here: Nothing,
) -> u64 {
    #[cfg(not(any()))]
    tracing::debug!(there);
    id
}

/// Without a key, and plain.
#[cached(skip(hidden))]
#[must_use]
pub fn plainly_conditional(
    id: u64,
    #[cfg(any())] (nowhere, _nor_here): (Nothing, Nothing),
    #[cfg(any())] hidden: Nothing,
) -> u64 {
    id
}

/// A write with a condition.
#[invalidate_cache(prefix = "conditional:<id>", tags = ["tag:<nowhere>"])]
pub fn conditional_write(id: u64, #[cfg(any())] nowhere: Nothing) {
    tracing::debug!(id);
}

#[cfg(any())]
#[cached]
fn absent() -> Nothing {}

#[cached]
#[cfg(any())]
fn absent_too() -> Nothing {}

#[deprecated(note = "for the test")]
#[cached]
#[inline]
#[track_caller]
#[cold]
fn old() -> u64 {
    1
}

#[cached]
#[cfg_attr(
    not(any()),
    allow(clippy::needless_pass_by_value, reason = "owned on purpose")
)]
fn conditionally_allowed(text: String) -> usize {
    text.len()
}

macro_rules! table {
    ($($(#[$attribute:meta])* $vis:vis fn $name:ident($($argument:ident: $ty:ty),*) -> $returns:ty $body:block)*) => {
        $(
            $(#[$attribute])*
            #[cached]
            $vis fn $name($($argument: $ty),*) -> $returns $body
        )*
    };
}

table! {
    /// Made by a macro.
    pub(crate) fn made(id: u64, name: &str) -> Option<String> {
        (id > 0).then(|| name.to_owned())
    }
    fn made_of_nothing() -> u64 {
        1
    }
}

macro_rules! future {
    ($name:ident($argument:ident) -> $returns:ty) => {
        #[cached(key = "made:<_id>")]
        fn $name(_id: u64, $argument: ()) -> $returns {
            #![allow(deprecated, reason = "a unit changes nothing")]
            let () = $argument;
            Box::pin(async move { 1 })
        }
    };
}

future!(made_future(unit) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>>);

mod inner {
    #[larder::cached]
    pub(in crate::inner) fn visible(id: u64) -> u64 {
        id
    }

    pub(super) fn call() -> u64 {
        visible(1)
    }
}

fn main() {
    #[cached]
    fn local(id: u64) -> u64 {
        struct Local(u64);
        impl Local {
            #[cached(key = "local:<self.0>")]
            fn method(&self) -> u64 {
                #[cached]
                fn deeper(id: u64) -> u64 {
                    id
                }
                deeper(self.0)
            }
        }
        Local(id).method()
    }

    assert_eq!(local(1), 1);
    assert_eq!((plain_outside(1), plain_inside(1, "")), (1, 1));
    drop((
        outside(1, ""),
        inside(1, ""),
        boxed(1),
        recursive(1),
        Unit.both(1),
    ));
    write(1);
    drop(conditional(1, ""));
    conditional_write(1);
    assert_eq!(plainly_conditional(1), 1);
    #[allow(deprecated, reason = "that is what it is here for")]
    {
        assert_eq!(old(), 1);
    }
    assert_eq!(conditionally_allowed(String::new()), 0);
    assert_eq!((made(1, "a").as_deref(), made_of_nothing()), (Some("a"), 1));
    drop(made_future(1, ()));
    assert_eq!(inner::call(), 1);
}
