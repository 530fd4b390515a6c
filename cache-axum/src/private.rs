//! What expansions of the attributes name. Not for people: it changes without notice.

pub use axum::response::Response;
pub use http::{HeaderName, header};

#[cfg(feature = "typed-header")]
pub use crate::key::{credentials, name_of, typed};
pub use crate::{
    call::{Missed, begin, near},
    codec::AsIs,
    handler::Handler,
    key::{Field, cookie, field},
    outcome::Responses,
};

use axum::response::IntoResponse;

/// What a cached handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no HTTP response",
    label = "axum cannot send this",
    note = "return `Json<…>`, `Html<…>`, a `Response`, a tuple of `StatusCode` and one of them, or \
            a `Result` of them whose error is `IntoResponse`"
)]
pub trait Respond: IntoResponse {}
// The message is about what the handler returns, not about a part of it.
#[diagnostic::do_not_recommend]
impl<T: IntoResponse> Respond for T {}

/// How a response is made of what a handler returns: asked once, apart from its future, which
/// would be asked again wherever it goes.
pub fn into_response<R: Respond>() -> fn(R) -> Response {
    R::into_response
}

/// The body of a handler, as what axum sends.
pub async fn respond<R>(body: impl Future<Output = R>, into: fn(R) -> Response) -> Response {
    into(body.await)
}
