//! Every form of a handler is cached, as the bytes of its response.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header::CONTENT_TYPE},
    response::{AppendHeaders, Html, IntoResponse, Response},
    routing::get,
};
use larder::cached;
use serde::Serialize;

use crate::app::{self, App, Reply};

#[derive(Debug, Clone, Copy, Serialize)]
struct Run {
    run: usize,
}

#[derive(Debug)]
struct Failed(StatusCode);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<std::num::ParseIntError> for Failed {
    fn from(_: std::num::ParseIntError) -> Self {
        Self(StatusCode::BAD_REQUEST)
    }
}

type Aliased = Result<Run2, Failed>;
struct Run2(usize);

impl IntoResponse for Run2 {
    fn into_response(self) -> Response {
        format!("run {}", self.0).into_response()
    }
}

#[cached(cache = app.cache)]
async fn json(State(app): State<App>) -> Json<Run> {
    Json(Run { run: app.run() })
}

#[cached(key = "html", cache = app.cache)]
async fn html(State(app): State<App>) -> Html<String> {
    Html(format!("<p>{}</p>", app.run()))
}

#[cached(key = "response", cache = app.cache)]
async fn response(State(app): State<App>) -> Response {
    app.run();
    if app.runs() > 100 {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    ([("x-run", app.runs().to_string())], "plain").into_response()
}

#[cached(key = "opaque", cache = app.cache)]
async fn opaque(State(app): State<App>) -> impl IntoResponse {
    ([("x-a", "1")], app.run().to_string())
}

#[cached(key = "tuple", cache = app.cache)]
async fn tuple(State(app): State<App>) -> (StatusCode, [(HeaderName, &'static str); 1], Json<Run>) {
    let run = Run { run: app.run() };
    (
        StatusCode::CREATED,
        [(CONTENT_TYPE, "application/x")],
        Json(run),
    )
}

#[cached(key = "headers", cache = app.cache)]
async fn headers(State(app): State<App>) -> (HeaderMap, String) {
    let mut headers = HeaderMap::new();
    for value in ["3", "1", "2"] {
        headers.append("x-repeated", value.parse().expect("a value"));
    }
    headers.insert("x-other", "4".parse().expect("a value"));
    (headers, app.run().to_string())
}

type Header = (&'static str, &'static str);

#[cached(key = "appended", cache = app.cache)]
async fn appended(State(app): State<App>) -> Result<(AppendHeaders<[Header; 2]>, Vec<u8>), Failed> {
    app.run();
    Ok((AppendHeaders([("x-b", "1"), ("x-b", "2")]), vec![0, 255]))
}

#[cached(key = "fallible:<text>", cache = app.cache)]
async fn fallible(Path(text): Path<String>, State(app): State<App>) -> Result<Json<u64>, Failed> {
    app.run();
    Ok(Json(text.parse()?))
}

#[cached(key = "either:<text>", cache = app.cache)]
async fn either(
    Path(text): Path<String>,
    State(app): State<App>,
) -> Result<impl IntoResponse, Failed> {
    app.run();
    let number: u64 = text.parse()?;
    if number == 0 {
        return Err(Failed(StatusCode::NOT_FOUND));
    }
    Ok(number.to_string())
}

#[cached(key = "aliased", response, cache = app.cache)]
async fn aliased(State(app): State<App>) -> Aliased {
    Ok(Run2(app.run()))
}

#[axum::debug_handler]
#[cached(key = "inside", cache = app.cache)]
async fn inside(State(app): State<App>) -> Json<usize> {
    Json(app.run())
}

#[cached(key = "outside", cache = app.cache)]
#[axum::debug_handler]
async fn outside(State(app): State<App>) -> Result<Json<usize>, Failed> {
    Ok(Json(app.run()))
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/json", get(json))
        .route("/html", get(html))
        .route("/response", get(response))
        .route("/opaque", get(opaque))
        .route("/tuple", get(tuple))
        .route("/headers", get(headers))
        .route("/appended", get(appended))
        .route("/fallible/{text}", get(fallible))
        .route("/either/{text}", get(either))
        .route("/aliased", get(aliased))
        .route("/inside", get(inside))
        .route("/outside", get(outside))
        .with_state(app.clone())
}

/// Asks twice; both replies are the same, and the handler ran once.
async fn twice(path: &str) -> Reply {
    let app = App::new();
    let router = router(&app);
    let first = app::get(&router, path, &[]).await;
    let second = app::get(&router, path, &[]).await;
    assert_eq!(first, second, "{path}");
    assert_eq!(app.runs(), 1, "{path}");
    first
}

#[tokio::test]
async fn every_form_is_cached_with_its_status_and_headers() {
    assert_eq!(twice("/json").await.text(), r#"{"run":1}"#);
    let html = twice("/html").await;
    assert_eq!(html.text(), "<p>1</p>");
    assert!(html.header("content-type").starts_with("text/html"));
    let response = twice("/response").await;
    assert_eq!(
        (response.text(), &*response.header("x-run")),
        ("plain", "1")
    );
    assert_eq!(twice("/opaque").await.header("x-a"), "1");
    let tuple = twice("/tuple").await;
    assert_eq!(tuple.status, StatusCode::CREATED);
    assert_eq!(tuple.header("content-type"), "application/x");
    assert_eq!(twice("/headers").await.header("x-repeated"), "3, 1, 2");
    let appended = twice("/appended").await;
    assert_eq!(
        (&appended.body[..], &*appended.header("x-b")),
        (&[0, 255][..], "1, 2")
    );
    assert_eq!(twice("/fallible/7").await.text(), "7");
    assert_eq!(twice("/either/7").await.text(), "7");
    assert_eq!(twice("/aliased").await.text(), "run 1");
    assert_eq!(twice("/inside").await.text(), "1");
    assert_eq!(twice("/outside").await.text(), "1");
}

#[tokio::test]
async fn what_is_no_success_is_not_kept() {
    for (path, status) in [("/fallible/x", 400), ("/either/x", 400), ("/either/0", 404)] {
        let app = App::new();
        let router = router(&app);
        for _ in 0..2 {
            assert_eq!(app::get(&router, path, &[]).await.status, status, "{path}");
        }
        assert_eq!(app.runs(), 2, "{path}");
    }
}

#[tokio::test]
async fn a_handler_is_a_function_that_can_be_called() {
    let app = App::new();
    let state = || State(app.clone());
    let first = app::read(json(state()).await).await;
    let second = app::read(json(state()).await).await;
    assert_eq!(
        (first.text(), second.text()),
        (r#"{"run":1}"#, r#"{"run":1}"#)
    );
}

#[derive(serde::Deserialize, larder::KeyPart)]
struct Search {
    words: String,
}

/// Asks by `POST`, because the question is long.
#[cached(key = "found:<search>", cache = app.cache)]
async fn found(State(app): State<App>, Json(search): Json<Search>) -> Json<(String, usize)> {
    Json((search.words, app.run()))
}

#[tokio::test]
async fn a_post_is_cached_by_its_body() {
    let app = App::new();
    let router = Router::new()
        .route("/found", axum::routing::post(found))
        .with_state(app.clone())
        .layer(larder::axum::layer());
    let mut replies = Vec::new();
    for words in ["a", "b", "a"] {
        let request = axum::extract::Request::post("/found")
            .header("content-type", "application/json")
            .header("if-none-match", "*")
            .body(axum::body::Body::from(format!("{{\"words\":\"{words}\"}}")))
            .expect("a request");
        let response = tower::ServiceExt::oneshot(router.clone(), request).await;
        replies.push(app::read(response.expect("a router does not fail")).await);
    }
    assert_eq!(app.runs(), 2);
    assert_eq!(replies[0].text(), "[\"a\",1]");
    assert_eq!(replies[1].text(), "[\"b\",2]");
    assert_eq!(replies[2].text(), "[\"a\",1]");
    assert!(replies.iter().all(|reply| reply.status == 200));
}
