//! The value in what a function returned, for any type that it may return.

use super::Returned;

/// The `Ok` or `Some` value behind a reference, or the whole value of any other type; `None` for
/// `Err`, `None` and `Ok(None)`. Aliases count; a type that is opaque or generic where this stands
/// is a value as it is.
#[doc(hidden)]
#[macro_export]
macro_rules! __kept {
    ($output:expr) => {{
        #[allow(unused_imports, reason = "only one step is taken")]
        use $crate::__private::{Kept1 as _, Kept2 as _, Kept3 as _};
        (&&&$crate::__private::Returned($output)).larder_kept()
    }};
}

/// The first try: a value that may be absent, of a function that may fail.
pub trait Kept1<'a> {
    /// The value.
    type Value;
    /// The value, if there is one.
    fn larder_kept(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> Kept1<'a> for &&Returned<'a, Result<Option<T>, E>> {
    type Value = T;

    fn larder_kept(&self) -> Option<&'a T> {
        self.0.as_ref().ok()?.as_ref()
    }
}

/// The second try: a function that may fail, or a value that may be absent.
pub trait Kept2<'a> {
    /// The value.
    type Value;
    /// The value, if there is one.
    fn larder_kept(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> Kept2<'a> for &Returned<'a, Result<T, E>> {
    type Value = T;

    fn larder_kept(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

impl<'a, T> Kept2<'a> for &Returned<'a, Option<T>> {
    type Value = T;

    fn larder_kept(&self) -> Option<&'a T> {
        self.0.as_ref()
    }
}

/// The last try: any other type.
pub trait Kept3<'a> {
    /// The value.
    type Value;
    /// The value.
    fn larder_kept(&self) -> Option<&'a Self::Value>;
}

impl<'a, T> Kept3<'a> for Returned<'a, T> {
    type Value = T;

    fn larder_kept(&self) -> Option<&'a T> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate as cache_core;

    #[test]
    fn the_value_is_found_whatever_the_type_is_called() {
        type Answer<T> = Result<Option<T>, String>;
        type Found = Option<u8>;
        let all: [Answer<u8>; 3] = [Ok(Some(1)), Ok(None), Err(String::new())];
        let kept = all.each_ref().map(|answer| cache_core::__kept!(answer));
        assert_eq!(kept, [Some(&1_u8), None, None]);
        let found: [Found; 2] = [Some(1), None];
        let kept = found.each_ref().map(|found| cache_core::__kept!(found));
        assert_eq!(kept, [Some(&1), None]);
        assert_eq!(cache_core::__kept!(&Ok::<_, String>(1)), Some(&1));
        assert_eq!(cache_core::__kept!(&Err::<u8, _>("")), None);
        assert_eq!(cache_core::__kept!(&1), Some(&1));
        assert_eq!(cache_core::__kept!(&()), Some(&()));
    }

    #[test]
    fn generic_code_keeps_what_its_types_say() {
        fn of<T>(value: &T) -> Option<&T> {
            cache_core::__kept!(value)
        }
        #[allow(clippy::ref_option, reason = "this is what functions give")]
        fn maybe<T>(value: &Option<T>) -> Option<&T> {
            cache_core::__kept!(value)
        }
        assert_eq!(of(&Some(1)), Some(&Some(1)));
        assert_eq!(maybe(&Some(1)), Some(&1));
    }
}
