//! What clients and the caches in front of them are told of a cached response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{
        AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED, VARY,
    },
};
use http_body::Frame;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    ask::{Ask, offering},
    control::elements,
    etag::{none_match_finds, weak},
    served::{How, Kept, Served},
};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Speaks HTTP's language of caches for the cached handlers inside it; see [`CacheHeadersLayer`].
pub fn layer() -> CacheHeadersLayer {
    CacheHeadersLayer::default()
}

/// A tower layer that tells clients what larder knows of a response, and larder what clients ask
/// for. Responses of handlers that are not cached pass through as they are.
///
/// To a cached response it adds `ETag`, `Age`, `Cache-Control: max-age=…` (`private` if the key
/// says who asks) unless the handler has one, `Vary` with the header fields in the key, and
/// `Cache-Status`. It answers `If-None-Match` of `GET` and `HEAD` with 304.
///
/// From a request it heeds `Cache-Control`: `no-cache` runs the handler and stores anew,
/// `no-store` leaves the cache alone, `only-if-cached` never runs the handler (504), `max-age` and
/// `min-fresh` run it if what is stored is not fresh enough.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a layer does nothing until it is added to a router"]
pub struct CacheHeadersLayer {
    options: Options,
}

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    deaf: bool,
    revalidate: bool,
}

impl CacheHeadersLayer {
    /// Does not heed the request's `Cache-Control`: for services whose clients must not be able to
    /// make the handlers run.
    pub const fn ignore_requests(mut self) -> Self {
        self.options.deaf = true;
        self
    }

    /// Sends `no-cache` instead of `max-age`: clients may keep a response, but ask each time
    /// whether it still stands, which a 304 answers. So they see an invalidation at once.
    pub const fn revalidate(mut self) -> Self {
        self.options.revalidate = true;
        self
    }
}

impl<S> Layer<S> for CacheHeadersLayer {
    type Service = CacheHeaders<S>;

    fn layer(&self, inner: S) -> CacheHeaders<S> {
        CacheHeaders {
            inner,
            options: self.options,
        }
    }
}

/// The service of [`CacheHeadersLayer`].
#[derive(Debug, Clone)]
pub struct CacheHeaders<S> {
    inner: S,
    options: Options,
}

impl<S, B> Service<Request<B>> for CacheHeaders<S>
where
    S: Service<Request<B>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let options = self.options;
        let ask = Ask::of(request.headers(), options.deaf);
        let conditional = conditional(&request);
        let response = self.inner.call(request);
        Box::pin(async move {
            let mut response = offering(ask, response).await?;
            let Some(served) = response.extensions_mut().remove::<Served>() else {
                return Ok(response);
            };
            describe(&mut response, &served, options);
            Ok(match conditional {
                Some(wanted) if has_it(&response, &wanted) => not_modified(response),
                _ => response,
            })
        })
    }
}

/// The `If-None-Match` of a request that may be answered with 304.
fn conditional<B>(request: &Request<B>) -> Option<HeaderMap> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let mut lines = request.headers().get_all(IF_NONE_MATCH).iter().peekable();
    lines.peek()?;
    Some(lines.map(|line| (IF_NONE_MATCH, line.clone())).collect())
}

/// Adds the headers that tell of a response.
fn describe(response: &mut Response, served: &Served, options: Options) {
    let status = response.status();
    let headers = response.headers_mut();
    headers.append(CACHE_STATUS, cache_status(status, served));
    for name in served.handler.vary {
        add_to_vary(headers, &name());
    }
    let Some(kept) = &served.kept else { return };
    tag(headers, kept);
    if !served.how.ran() {
        headers.insert(AGE, HeaderValue::from(kept.times.age(kept.now) / 1000));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, cache_control(served, kept, options));
    }
}

/// Adds the tag of the stored bytes; its weak form if something has encoded them since.
fn tag(headers: &mut HeaderMap, kept: &Kept) {
    let encoded = headers.get(CONTENT_ENCODING) != kept.encoding.as_ref();
    if encoded {
        headers.insert(ETAG, weak(&kept.etag));
    } else if !headers.contains_key(ETAG) {
        headers.insert(ETAG, kept.etag.clone());
    }
}

/// RFC 9111 §4.2.1 counts `max-age` from when the response was made, which `Age` tells.
fn cache_control(served: &Served, kept: &Kept, options: Options) -> HeaderValue {
    let private = if served.handler.identity {
        "private, "
    } else {
        ""
    };
    let text = if options.revalidate {
        format!("{private}no-cache")
    } else {
        format!("{private}max-age={}", kept.times.lifetime / 1000)
    };
    value(text)
}

fn cache_status(status: StatusCode, served: &Served) -> HeaderValue {
    let how = served.how.status();
    let Some(kept) = &served.kept else {
        return match served.how {
            How::Absent => value(format!("{how}; detail=ONLY-IF-CACHED")),
            _ => value(format!("{how}; fwd-status={}", status.as_u16())),
        };
    };
    match served.how {
        How::Hit => value(format!("{how}; ttl={}", kept.times.left(kept.now) / 1000)),
        How::Collapsed => HeaderValue::from_static(how),
        _ => value(format!("{how}; stored")),
    }
}

fn value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("plain words are a header value")
}

fn add_to_vary(headers: &mut HeaderMap, name: &HeaderName) {
    let there = elements(headers, &VARY)
        .flatten()
        .any(|field| field == "*" || field.eq_ignore_ascii_case(name.as_str()));
    if !there {
        headers.append(VARY, HeaderValue::from(name.clone()));
    }
}

fn has_it(response: &Response, wanted: &HeaderMap) -> bool {
    let tag = response.headers().get(ETAG);
    response.status().is_success() && tag.is_some_and(|tag| none_match_finds(wanted, tag))
}

/// The same response without its body, and without what only its body needs: RFC 9110 §15.4.5.
fn not_modified(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    for name in [
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        LAST_MODIFIED,
    ] {
        headers.remove(name);
    }
    *response.body_mut() = Body::new(Nothing);
    response
}

/// No body. It does not say that its length is zero: axum would send that as the length of what
/// was not sent, which it is not.
struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
