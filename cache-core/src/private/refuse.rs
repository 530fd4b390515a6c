//! What a function returns when a strict invalidation of it went wrong.

use crate::error::Error;

/// The return types of functions whose invalidations are strict.
#[diagnostic::on_unimplemented(
    message = "`strict` returns what goes wrong with the cache, and `{Self}` cannot say it",
    label = "this holds no `larder::Error`",
    note = "return a `Result` whose error is `From<larder::Error>`, or remove `strict`: what goes \
            wrong is then logged and repeated in the background"
)]
pub trait Refused {
    /// The cache's error as the function's own.
    fn larder_refused(error: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> Refused for Result<T, E> {
    fn larder_refused(error: Error) -> Self {
        Err(error.into())
    }
}

/// The cache's error as the function's own.
pub fn refuse<R: Refused>(error: Error) -> R {
    R::larder_refused(error)
}
