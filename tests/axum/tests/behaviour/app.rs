//! What handlers share in these tests, and how they are asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, request::Builder},
    response::Response,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use larder::{Cache, Clock, Moka};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// The state of the handlers: a cache, its clock, and how often handlers ran.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    runs: Arc<AtomicUsize>,
    pub(crate) gate: Arc<Semaphore>,
}

impl App {
    /// A near tier, a clock that stands still, nothing random.
    pub(crate) fn new() -> Self {
        let clock = Clock::manual();
        let cache = Cache::builder()
            .near(Moka::new(1_000).expect("a capacity"))
            .clock(clock.clone())
            .jitter(0.0);
        Self::on(cache.build().expect("the settings are in order"), clock)
    }

    pub(crate) fn on(cache: Cache, clock: Clock) -> Self {
        Self {
            cache,
            clock,
            runs: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Counts one run of a handler, and says which it is.
    pub(crate) fn run(&self) -> usize {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A response that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The lines of a header, with commas between them; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| line.to_str().expect("text")).collect();
        lines.join(", ")
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag")
    }

    pub(crate) fn cache_status(&self) -> String {
        self.header("cache-status")
    }
}

/// A `GET` of `path` with these headers.
pub(crate) async fn get(router: &Router, path: &str, headers: &[(&str, &str)]) -> Reply {
    ask(router, Method::GET, path, headers).await
}

pub(crate) async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Reply {
    let add = |request: Builder, &(name, value): &(&str, &str)| request.header(name, value);
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, add).body(Body::empty());
    let request = request.expect("a request");
    let response = router.clone().oneshot(request).await;
    read(response.expect("a router does not fail")).await
}

pub(crate) async fn read(response: Response) -> Reply {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body");
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    }
}
