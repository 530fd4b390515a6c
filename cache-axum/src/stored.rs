//! What is kept of a response.

use std::{fmt, sync::OnceLock};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, ETAG},
};

use crate::etag;

/// A response as it is kept: its status, its headers in their order, and its body as bytes. A
/// clone shares the body.
#[derive(Clone)]
pub struct StoredResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) digest: u128,
    /// The handler's own tag, or else the strong one of the digest; written when it is asked for.
    etag: OnceLock<HeaderValue>,
    pub(crate) times: Times,
    pub(crate) origin: Origin,
}

/// What is said of one connection, and not of the response: RFC 9111 §3.1.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// When a response was made, and how long it is good for: in milliseconds, the first since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) made: u64,
    pub(crate) lifetime: u64,
}

impl Times {
    /// How old it is, by the clock that says `now`.
    pub(crate) fn age(self, now: u64) -> u64 {
        now.saturating_sub(self.made)
    }

    /// How much longer it is good for.
    pub(crate) fn left(self, now: u64) -> u64 {
        self.lifetime.saturating_sub(self.age(now))
    }
}

/// Which call of this process made a response, and when in the order of all calls and ends of
/// calls: zero and zero for one that came from another process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) call: u64,
    pub(crate) ended: u64,
}

impl StoredResponse {
    pub(crate) fn new(
        (status, mut headers, body): (StatusCode, HeaderMap, Bytes),
        times: Times,
        origin: Origin,
    ) -> Self {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        let digest = etag::digest(&headers, &body);
        Self::known((status, headers, body), digest, times, origin)
    }

    /// The same, with the digest that was computed when it was stored.
    pub(crate) fn known(
        (status, headers, body): (StatusCode, HeaderMap, Bytes),
        digest: u128,
        times: Times,
        origin: Origin,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            digest,
            etag: OnceLock::new(),
            times,
            origin,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers that the handler set.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The entity tag: the handler's own, or else a strong one, the same in every process that
    /// has this response.
    pub fn etag(&self) -> &HeaderValue {
        self.etag.get_or_init(|| {
            let own = self.headers.get(ETAG).cloned();
            own.unwrap_or_else(|| etag::strong(self.digest))
        })
    }

    /// The response, whose body shares the stored bytes.
    pub(crate) fn response(&self) -> Response {
        self.with_headers(self.headers.clone())
    }

    /// The same, with room for `more` headers.
    pub(crate) fn response_with_room(&self, more: usize) -> Response {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + more);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        self.with_headers(headers)
    }

    fn with_headers(&self, headers: HeaderMap) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and bodies may hold what logs must not.
        f.debug_struct("StoredResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("bytes", &self.body.len())
            .field("etag", self.etag())
            .finish_non_exhaustive()
    }
}
