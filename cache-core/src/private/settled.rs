//! Whether a plain `fn` has done its work when it returns.

use std::future::Future;

use super::Returned;

/// Reports a result that is a future, of which the attribute could not know: what it does, it does
/// after the function has returned.
#[doc(hidden)]
#[macro_export]
macro_rules! __settled {
    ($output:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::NoFuture as _;
        $crate::__private::Returned($output).larder_settled()
    }};
}

/// A result that is there. Asked of futures only, and implemented by none.
#[diagnostic::on_unimplemented(
    message = "the attribute cannot see that this is a future",
    label = "it is not done when the function returns",
    note = "write `async fn`, `-> impl Future<Output = …>` or `-> Pin<Box<dyn Future<Output = …>>>`"
)]
pub trait Settled {}

impl<F: Future> Returned<'_, F> {
    /// An inherent method, so it goes before the trait's.
    pub fn larder_settled(&self)
    where
        F: Settled,
    {
    }
}

/// Types that are no futures.
pub trait NoFuture {
    /// Nothing.
    fn larder_settled(&self) {}
}

impl<T> NoFuture for Returned<'_, T> {}
