//! What a function says of its own values: that one is not kept, or how long. Each is a kind of
//! return type around another.

use std::{fmt, time::Duration};

use super::{Failure, Keep, Loaded, Outcome};
use crate::entry::Live;

/// The kind `shape` whose values are not kept if `is_not_kept` says so.
pub fn unless<S: Outcome>(shape: S, is_not_kept: Question<S, bool>) -> Unless<S> {
    Unless { shape, is_not_kept }
}

/// The kind `shape` whose values live as long as `ttl` says.
pub fn ttl_from<S: Outcome>(shape: S, ttl: Question<S, Duration>) -> TtlFrom<S> {
    TtlFrom { shape, ttl }
}

/// A question to a value: a plain function, because a load outlives its caller's locals, and all
/// functions of one return type share the code around it.
type Question<S, A> = fn(&<S as Outcome>::Value) -> A;

/// What [`unless`] returns.
#[derive(Clone, Copy)]
pub struct Unless<S: Outcome> {
    shape: S,
    is_not_kept: Question<S, bool>,
}

/// What [`ttl_from`] returns.
#[derive(Clone, Copy)]
pub struct TtlFrom<S: Outcome> {
    shape: S,
    ttl: Question<S, Duration>,
}

impl<S: Outcome> Unless<S> {
    fn chosen(self, value: &S::Value, keep: Keep) -> Keep {
        if (self.is_not_kept)(value) {
            Keep::Not
        } else {
            keep
        }
    }
}

impl<S: Outcome> TtlFrom<S> {
    fn chosen(self, value: &S::Value, keep: Keep) -> Keep {
        match keep {
            Keep::Not => Keep::Not,
            Keep::Default | Keep::For(_) => Keep::For((self.ttl)(value)),
        }
    }
}

/// Declares that a kind is another one, except for how its values are kept.
macro_rules! around {
    ($name:ident) => {
        impl<S: Outcome> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
        impl<S: Outcome> Outcome for $name<S> {
            type Return = S::Return;
            type Value = S::Value;

            fn split(self, output: S::Return) -> Loaded {
                match self.shape.split(output) {
                    Loaded::Value(live, keep) => {
                        let value = live.downcast_ref().expect("a kind makes its own values");
                        let keep = self.chosen(value, keep);
                        Loaded::Value(live, keep)
                    }
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
                self.shape.of_live(live)
            }
            fn accepts(self, loaded: &Loaded) -> bool {
                self.shape.accepts(loaded)
            }
        }
    };
}

around!(Unless);
around!(TtlFrom);

#[cfg(test)]
mod tests {
    use super::*;
    use crate as cache_core;

    fn keep<S: Outcome>(shape: S, output: S::Return) -> Option<Keep> {
        match shape.split(output) {
            Loaded::Value(_, keep) => Some(keep),
            Loaded::Absent | Loaded::Failed(_) => None,
        }
    }

    #[test]
    fn a_value_that_is_not_kept_has_no_ttl_in_whichever_order_it_is_asked() {
        let secs = |secs: &u64| Duration::from_secs(*secs);
        let shape = cache_core::__shape!(Result<Option<u64>, String>);
        let inside = ttl_from(unless(shape, |secs| *secs == 7), secs);
        let outside = unless(ttl_from(shape, secs), |secs| *secs == 7);
        assert_eq!(keep(inside, Ok(Some(7))), Some(Keep::Not));
        assert_eq!(keep(outside, Ok(Some(7))), Some(Keep::Not));
        let eight = Some(Keep::For(Duration::from_secs(8)));
        assert_eq!(keep(inside, Ok(Some(8))), eight);
        assert_eq!(keep(outside, Ok(Some(8))), eight);
    }

    #[test]
    fn only_values_are_asked_about() {
        let shape = cache_core::__shape!(Result<Option<u64>, String>);
        let shape = unless(shape, |_| unreachable!("there is no value"));
        assert_eq!(keep(shape, Ok(None)), None);
        assert_eq!(keep(shape, Err("lost".to_owned())), None);
    }
}
