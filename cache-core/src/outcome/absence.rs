//! Which return types have a word for "there is none", so that `none_ttl` has something to keep.

use super::Outcome;

/// A return type that can say that there is nothing.
#[diagnostic::on_unimplemented(
    message = "`none_ttl` keeps `None`, and `{Self}` has none",
    label = "this is neither an `Option` nor a `Result` of one",
    note = "return an `Option` or a `Result<Option<…>, …>`, or remove `none_ttl`; errors are kept \
            by `err_ttl`"
)]
pub trait Absent {}
impl<T> Absent for Option<T> {}
impl<T, E> Absent for Result<Option<T>, E> {}

/// The same kind, whose absences can be kept.
pub fn keeps_absences<S: Outcome<Return: Absent>>(shape: S) -> S {
    shape
}
