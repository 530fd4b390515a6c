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
impl<T: IntoResponse> Respond for T {}

/// The body of a handler, as what axum sends.
pub async fn respond<R: Respond>(body: impl Future<Output = R>) -> Response {
    body.await.into_response()
}
