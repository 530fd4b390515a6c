//! What a user does with the entry of one call: `larder::entry(repo.user(7)).invalidate()`.

mod put;
mod soon;

use std::future::Future;

pub(crate) use self::soon::caught_now;
pub use self::{put::PutEntry, soon::*};
use crate::{
    ask::{Answer, Ask, ask},
    caught::Caught,
    error::{Error, ErrorKind, Result},
    event,
};

/// The cache entry of a call: of the first cached function that `call` meets when it runs.
///
/// It works with whatever is awaited: functions, methods, methods of a `dyn Trait`, generic ones.
/// Nothing happens until one of the methods of the [`EntryOf`] is awaited, and the function's body
/// runs only for [`refresh`](EntryOf::refresh) and [`uncached`](EntryOf::uncached). What stands in
/// `call` before the cached function does run, so give the call alone.
///
/// ```
/// # use cache_core as larder;
/// # mod repo { pub async fn user(id: u64) -> String { format!("user {id}") } }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // `user` is not cached here, and `entry` says so instead of running on.
/// let error = larder::entry(repo::user(7)).key().await.unwrap_err();
/// assert_eq!(error.kind(), larder::ErrorKind::Config);
/// # });
/// ```
pub fn entry<F: Future>(call: F) -> EntryOf<F>
where
    F::Output: 'static,
{
    EntryOf { call }
}

/// The cache entry of a call; see [`entry`].
///
/// # Errors
///
/// Methods that return a [`Result`] fail with [`ErrorKind::Config`] if the call ends without
/// having met a cached function. A function that blocks its thread instead of being awaited is not
/// met by them.
#[derive(Debug)]
#[must_use = "nothing happens until one of its methods is awaited"]
pub struct EntryOf<F> {
    call: F,
}

impl<F: Future> EntryOf<F>
where
    F::Output: 'static,
{
    /// The key of the call, as [`Cache::get`](crate::Cache::get) takes it.
    ///
    /// # Errors
    ///
    /// See [`EntryOf`].
    pub async fn key(self) -> Result<String> {
        Ok(self.caught().await?.key().to_owned())
    }

    /// What the call would return from the cache, near or far; `None` if the function would have
    /// to run. It does not.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`](crate::Cache::get), and see [`EntryOf`].
    pub async fn peek(self) -> Result<Option<F::Output>> {
        self.caught().await?.peek().await
    }

    /// Stores a value as if the function had returned it: with its ttl, tags, version and codec,
    /// in place of what was there. It counts as an invalidation of the key: a load that is on its
    /// way stores nothing.
    ///
    /// For a function that returns `Result<Option<User>, E>`, the value may be a `User`, an
    /// `Option<User>` or the whole. What the function would not keep, such as an `Err`, empties
    /// the entry.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`](crate::Cache::set), and see [`EntryOf`].
    pub fn put(self, value: impl Returns<F::Output>) -> PutEntry<F> {
        PutEntry::new(self.call, value.returned())
    }

    /// Removes the entry from all tiers, here and in other processes. When it returns `Ok`, no
    /// call that begins later gets a value whose load began before it.
    ///
    /// # Errors
    ///
    /// As [`Cache::remove`](crate::Cache::remove), and see [`EntryOf`].
    pub async fn invalidate(self) -> Result<()> {
        self.caught().await?.invalidate().await
    }

    /// Runs the function, even if there is a value, and stores what it returns, unless the key
    /// was invalidated meanwhile. Until then others get the old value, and if the function fails,
    /// it stays. Of several that refresh a key at the same time, those share a run that all came
    /// before it began.
    pub async fn refresh(self) -> F::Output {
        self.ended(Ask::Refresh).await
    }

    /// Runs the function and leaves the cache alone.
    pub async fn uncached(self) -> F::Output {
        self.ended(Ask::Uncached).await
    }

    pub(crate) async fn caught(self) -> Result<Caught> {
        captured(ask(Ask::Capture, self.call).await)
    }

    async fn ended(self, wanted: Ask) -> F::Output {
        match ask(wanted, self.call).await {
            Answer::Ended { output, taken } => {
                if !taken {
                    event::asked_nobody(&not_cached());
                }
                output
            }
            Answer::Caught(_) | Answer::Refused => {
                unreachable!("nobody is captured unless that is asked")
            }
        }
    }
}

/// The entry that an answer tells of.
fn captured<R>(answer: Answer<R>) -> Result<Caught> {
    match answer {
        Answer::Caught(caught) => Ok(caught),
        Answer::Ended { .. } => Err(not_cached()),
        Answer::Refused => Err(no_one_entry()),
    }
}

fn no_one_entry() -> Error {
    Error::new(
        ErrorKind::Config,
        "a batch has an entry for each element and none of its own: ask for the entry of a function \
         with the same key",
    )
}

fn waits() -> Error {
    Error::new(
        ErrorKind::Config,
        "an attribute below `#[cached]` waits for something before the key is known: put \
         `#[cached]` below it, or await what `larder::entry` gives",
    )
}

fn not_cached() -> Error {
    Error::new(
        ErrorKind::Config,
        "the call ended without meeting a cached function: give `entry` the call of one",
    )
}

/// What stands for a value that a function returns: the whole, or the part of it that is kept.
///
/// As for `From<T> for Option<T>`: a `T` stands for an `Option<T>`, a `Result<T, E>` and a
/// `Result<Option<T>, E>`.
#[diagnostic::on_unimplemented(
    message = "a function that returns `{R}` does not keep a `{Self}`",
    label = "this is neither what the function returns nor what it keeps of it"
)]
pub trait Returns<R> {
    /// The whole.
    fn returned(self) -> R;
}

impl<T> Returns<T> for T {
    fn returned(self) -> T {
        self
    }
}

impl<T> Returns<Option<T>> for T {
    fn returned(self) -> Option<T> {
        Some(self)
    }
}

impl<T, E> Returns<Result<T, E>> for T {
    fn returned(self) -> Result<T, E> {
        Ok(self)
    }
}

impl<T, E> Returns<Result<Option<T>, E>> for T {
    fn returned(self) -> Result<Option<T>, E> {
        Ok(Some(self))
    }
}
