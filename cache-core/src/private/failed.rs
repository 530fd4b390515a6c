//! Whether a function that writes has failed, for any type that it may return.

/// Whether the value behind a reference is an `Err`. Aliases of `Result` count; a type that is
/// opaque or generic where this stands never does.
#[doc(hidden)]
#[macro_export]
macro_rules! __failed {
    ($output:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::NeverFails as _;
        $crate::__private::Returned($output).larder_failed()
    }};
}

/// What a function returned.
#[derive(Debug)]
pub struct Returned<'a, T>(pub &'a T);

impl<T, E> Returned<'_, Result<T, E>> {
    /// Whether it is an `Err`. An inherent method, so it goes before the trait's.
    pub fn larder_failed(&self) -> bool {
        self.0.is_err()
    }
}

/// Types other than `Result`.
pub trait NeverFails {
    /// `false`.
    fn larder_failed(&self) -> bool {
        false
    }
}

impl<T> NeverFails for Returned<'_, T> {}

#[cfg(test)]
mod tests {
    use super::{NeverFails as _, Returned};

    #[test]
    fn only_an_err_has_failed_whatever_the_type_is_called() {
        type Answer<'a> = Result<&'a str, &'a str>;
        let ok: Answer<'_> = Ok("");
        let err: Answer<'_> = Err("");
        assert!(!Returned(&ok).larder_failed());
        assert!(Returned(&err).larder_failed());
        assert!(!Returned(&None::<u8>).larder_failed());
        assert!(!Returned(&Some(err)).larder_failed());
    }
}
