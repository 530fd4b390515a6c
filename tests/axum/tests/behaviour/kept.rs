//! What is kept, how long, and what never is.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Path, Request, State},
    http::{StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use larder::{Cache, Clock, Dice, Moka, axum::MAX_BODY, cached, invalidate_cache};
use tower::ServiceExt as _;

use crate::app::{self, App};

/// Says of itself in `Cache-Control` what the path says.
#[cached(key = "said:<control>", ttl = 100, cache = app.cache)]
async fn said(Path(control): Path<String>, State(app): State<App>) -> Response {
    let body = app.run().to_string();
    ([("cache-control", control)], body).into_response()
}

#[cached(key = "cookie", cache = app.cache)]
async fn cookie(State(app): State<App>) -> Response {
    ([(SET_COOKIE, "a=b")], app.run().to_string()).into_response()
}

/// Says when it expires, as the path says.
#[cached(key = "expires:<date>", cache = app.cache)]
async fn expires(Path(date): Path<String>, State(app): State<App>) -> Response {
    ([("expires", date)], app.run().to_string()).into_response()
}

#[cached(key = "status:<code>", cache = app.cache)]
async fn status(Path(code): Path<u16>, State(app): State<App>) -> Response {
    app.run();
    let status = StatusCode::from_u16(code).expect("a status");
    status.into_response()
}

#[cached(key = "hops", cache = app.cache)]
async fn hops(State(app): State<App>) -> Response {
    let headers = [
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("x-a", "1"),
    ];
    (headers, app.run().to_string()).into_response()
}

#[cached(key = "varies", cache = app.cache)]
async fn varies(State(app): State<App>) -> Response {
    ([("vary", "accept-language")], app.run().to_string()).into_response()
}

#[cached(key = "sized:<len>", cache = app.cache)]
async fn sized(Path(len): Path<usize>, State(app): State<App>) -> Response {
    app.run();
    vec![b'x'; len].into_response()
}

#[cached(key = "endless", cache = app.cache)]
async fn endless(State(app): State<App>) -> Response {
    app.run();
    Body::new(Endless).into_response()
}

#[cached(key = "sometimes:<number>", if = number > 1, cache = app.cache)]
async fn sometimes(Path(number): Path<u8>, State(app): State<App>) -> Response {
    app.run();
    number.to_string().into_response()
}

#[cached(key = "local", local, tags = ["team:<team>"], skip(team), cache = app.cache)]
async fn local(Path(team): Path<u8>, State(app): State<App>) -> Response {
    app.run();
    team.to_string().into_response()
}

#[invalidate_cache(tags = ["team:<team>"], cache = app.cache)]
async fn rename(team: u8, app: &App) -> usize {
    usize::from(team) + app.runs()
}

/// A body that does not say how long it is, and never ends.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"tick\n")))))
    }
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/said/{control}", get(said))
        .route("/expires/{date}", get(expires))
        .route("/cookie", get(cookie))
        .route("/status/{code}", get(status))
        .route("/hops", get(hops))
        .route("/varies", get(varies))
        .route("/sized/{len}", get(sized))
        .route("/endless", get(endless))
        .route("/sometimes/{number}", get(sometimes))
        .route("/local/{team}", get(local))
        .with_state(app.clone())
}

/// How often the handler runs for two requests.
async fn runs(path: &str) -> usize {
    let app = App::new();
    let router = router(&app);
    for _ in 0..2 {
        app::get(&router, path, &[]).await;
    }
    app.runs()
}

#[tokio::test]
async fn only_what_may_be_kept_is_kept() {
    for (path, kept) in [
        ("/said/public", true),
        ("/said/max-age=10", true),
        ("/said/no-store", false),
        ("/said/private", false),
        ("/said/no-cache", false),
        ("/said/max-age=0", false),
        ("/expires/Thu,%2001%20Jan%202099%2000:00:00%20GMT", true),
        ("/expires/Thu,%2001%20Jan%202015%2000:00:00%20GMT", false),
        ("/expires/0", false),
        ("/cookie", false),
        ("/varies", false),
        ("/status/200", true),
        ("/status/204", true),
        ("/status/206", false),
        ("/status/304", false),
        ("/status/404", false),
        ("/status/500", false),
    ] {
        assert_eq!(runs(path).await, if kept { 1 } else { 2 }, "{path}");
    }
}

#[tokio::test]
async fn the_handler_may_shorten_the_life_of_its_response() {
    for (control, lives) in [
        ("public", 100),
        ("max-age=10", 10),
        ("s-maxage=5, max-age=50", 5),
        ("max-age=1000", 100),
    ] {
        let app = App::new();
        let router = router(&app);
        let path = format!("/said/{}", control.replace(' ', "%20"));
        app::get(&router, &path, &[]).await;
        app.advance(lives - 1);
        app::get(&router, &path, &[]).await;
        assert_eq!(app.runs(), 1, "{control}");
        app.advance(1);
        app::get(&router, &path, &[]).await;
        assert_eq!(app.runs(), 2, "{control}");
    }
}

/// A random number may make a life longer, but not beyond what the handler said.
#[tokio::test]
async fn a_life_that_varies_ends_where_the_handler_says() {
    for seed in 0..8 {
        let clock = Clock::manual();
        let cache = Cache::builder()
            .near(Moka::new(1_000).expect("a capacity"))
            .clock(clock.clone())
            .dice(Dice::seeded(seed))
            .jitter(0.5);
        let app = App::on(cache.build().expect("the settings are in order"), clock);
        let router = router(&app);
        app::get(&router, "/said/s-maxage=60", &[]).await;
        app.advance(60);
        app::get(&router, "/said/s-maxage=60", &[]).await;
        assert_eq!(app.runs(), 2, "{seed}");
    }
}

#[tokio::test]
async fn a_body_over_the_bound_is_sent_whole_and_not_kept() {
    for (len, runs) in [(MAX_BODY, 1), (MAX_BODY + 1, 2)] {
        let app = App::new();
        let router = router(&app);
        for _ in 0..2 {
            let reply = app::get(&router, &format!("/sized/{len}"), &[]).await;
            assert_eq!(reply.body.len(), len);
        }
        assert_eq!(app.runs(), runs, "{len}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_sent_as_it_comes() {
    let app = App::new();
    for run in 1..=2 {
        let request = Request::get("/endless").body(Body::empty()).expect("fine");
        let answered = router(&app).oneshot(request);
        let answered = tokio::time::timeout(Duration::from_secs(5), answered).await;
        let response = answered.expect("it does not wait for the end");
        let mut body = response.expect("a router does not fail").into_body();
        for _ in 0..3 {
            let frame = body.frame().await.expect("more").expect("fine");
            assert_eq!(frame.into_data().expect("data"), "tick\n");
        }
        assert_eq!(app.runs(), run);
    }
}

#[tokio::test]
async fn the_other_options_mean_what_they_mean_for_values() {
    assert_eq!(runs("/sometimes/1").await, 2);
    assert_eq!(runs("/sometimes/2").await, 1);
    let app = App::new();
    let router = router(&app);
    app::get(&router, "/local/7", &[]).await;
    rename(8, &app).await;
    app::get(&router, "/local/7", &[]).await;
    assert_eq!(app.runs(), 1);
    rename(7, &app).await;
    app::get(&router, "/local/7", &[]).await;
    assert_eq!(app.runs(), 2);
}

#[tokio::test]
async fn hits_share_the_bytes_of_the_body() {
    let app = App::new();
    let router = router(&app);
    app::get(&router, "/sized/1000", &[]).await;
    let first = app::get(&router, "/sized/1000", &[]).await.body;
    let second = app::get(&router, "/sized/1000", &[]).await.body;
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[tokio::test]
async fn what_is_said_of_a_connection_is_not_kept() {
    let app = App::new();
    let router = router(&app);
    for _ in 0..2 {
        let reply = app::get(&router, "/hops", &[]).await;
        assert_eq!((reply.text(), &*reply.header("x-a")), ("1", "1"));
        assert_eq!(
            (reply.header("connection"), reply.header("keep-alive")),
            (String::new(), String::new())
        );
    }
}
