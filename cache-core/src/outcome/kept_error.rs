//! An error that is remembered for a while, so that what fails is not asked again at once. It
//! lives in the near tier only, as a value of a type that is no function's own, so that those who
//! do not ask for it take it for nothing.

use std::{any::Any, fmt};

use super::{Copying, Failure, Keeper, Loaded, Outcome, Shared};
use crate::{entry::Live, sync::Arc};

/// An error that can be remembered and given to many.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` cannot be kept by `err_ttl`: it is not `Clone + Send + Sync + 'static`",
    label = "a kept error is cloned for each caller and shared between threads",
    note = "derive `Clone`, return an `Arc` of the error, or remove `err_ttl`"
)]
pub trait Lasting: Clone + Send + Sync + 'static {}
// The trait is to be named in messages, and not what it is made of.
#[diagnostic::do_not_recommend]
impl<E: Clone + Send + Sync + 'static> Lasting for E {}

/// A return type that has errors.
#[diagnostic::on_unimplemented(
    message = "`err_ttl` keeps errors, and `{Self}` has none",
    label = "this is no `Result`",
    note = "return a `Result`, or remove `err_ttl`"
)]
pub trait Fails {
    /// What they are.
    type Error;
}
impl<T, E> Fails for Result<T, E> {
    type Error = E;
}

/// The kind `shape` whose errors can be kept.
pub fn keeps_errors<S: Outcome<Return: Fails<Error: Lasting>>>(shape: S) -> KeepsErrors<S> {
    KeepsErrors {
        shape,
        keep: keep::<<S::Return as Fails>::Error>,
        is_own: |kept| kept.error.is::<<S::Return as Fails>::Error>(),
    }
}

/// What [`keeps_errors`] returns. It asks nothing of the error any more, so that a wrong one is
/// reported once.
#[derive(Clone, Copy)]
pub struct KeepsErrors<S> {
    shape: S,
    keep: Keeper,
    is_own: fn(&KeptError) -> bool,
}

/// A remembered error.
pub(crate) struct KeptError {
    error: Box<dyn Any + Send + Sync>,
    again: fn(&(dyn Any + Send + Sync)) -> Failure,
}

impl KeptError {
    /// The remembered error in `live`, if that is what it is.
    pub(crate) fn of(live: &Live) -> Option<&Self> {
        live.downcast_ref()
    }

    /// The error, for one more caller.
    fn failure(&self) -> Failure {
        (self.again)(&*self.error)
    }
}

impl fmt::Debug for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptError").finish_non_exhaustive()
    }
}

/// Makes a remembered error of one that was just returned.
fn keep<E: Lasting>(error: &(dyn Any + Send)) -> Live {
    let error: &E = error
        .downcast_ref()
        .expect("a failure holds the error it was made of");
    Arc::new(KeptError {
        error: Box::new(error.clone()),
        again: again::<E>,
    })
}

fn again<E: Lasting>(error: &(dyn Any + Send + Sync)) -> Failure {
    let error: &E = error.downcast_ref().expect("it keeps what it was made of");
    Failure::new(error.clone(), <Shared as Copying<E>>::COPY)
}

impl<S> fmt::Debug for KeepsErrors<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepsErrors")
    }
}

impl<S: Outcome> Outcome for KeepsErrors<S> {
    type Return = S::Return;
    type Value = S::Value;

    fn split(self, output: S::Return) -> Loaded {
        match self.shape.split(output) {
            Loaded::Failed(failure) => Loaded::Failed(Failure {
                keep: Some(self.keep),
                ..failure
            }),
            other => other,
        }
    }
    fn of_value(self, value: &S::Value) -> S::Return {
        self.shape.of_value(value)
    }
    fn of_absent(self) -> Option<S::Return> {
        self.shape.of_absent()
    }
    fn of_failure(self, failure: Failure) -> Option<S::Return> {
        self.shape.of_failure(failure)
    }
    fn of_live(self, live: &Live) -> Option<S::Return> {
        match KeptError::of(live) {
            Some(kept) => self.of_failure(kept.failure()),
            None => self.shape.of_live(live),
        }
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        if let Loaded::Value(live, _) = loaded
            && let Some(kept) = KeptError::of(live)
        {
            return (self.is_own)(kept);
        }
        self.shape.accepts(loaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as cache_core;
    use crate::outcome::Keep;

    #[test]
    fn a_kept_error_comes_back_as_often_as_it_is_asked_for() {
        let shape = keeps_errors(cache_core::__shape!(Result<u8, String>));
        let Loaded::Failed(failure) = shape.split(Err("lost".into())) else {
            unreachable!("it is an error");
        };
        let live = failure.to_keep().expect("a kind that keeps errors");
        for _ in 0..2 {
            assert_eq!(shape.of_live(&live), Some(Err("lost".to_owned())));
        }
        assert!(shape.accepts(&Loaded::Value(live, Keep::Default)));
    }

    #[test]
    fn a_kept_error_is_nothing_to_who_does_not_keep_errors_or_has_others() {
        let shape = keeps_errors(cache_core::__shape!(Result<u8, String>));
        let live = keep::<String>(&"lost".to_owned());
        let plain = cache_core::__shape!(Result<u8, String>);
        let other = keeps_errors(cache_core::__shape!(Result<u8, &'static str>));
        assert!(plain.of_live(&live).is_none() && other.of_live(&live).is_none());
        let found = Loaded::Value(live, Keep::Default);
        assert!(!plain.accepts(&found) && !other.accepts(&found));
        let value = plain.split(Ok(7));
        assert!(shape.accepts(&value) && shape.join(value) == Some(Ok(7)));
    }

    #[test]
    fn without_the_option_no_error_is_kept() {
        let Loaded::Failed(failure) =
            cache_core::__shape!(Result<u8, String>).split(Err("lost".into()))
        else {
            unreachable!("it is an error");
        };
        assert!(failure.to_keep().is_none());
    }
}
