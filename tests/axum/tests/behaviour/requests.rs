//! What requests ask of caches, and who may not share.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use larder::cached;

use crate::app::{self, App};

#[cached(key = "open", ttl = 100, cache = app.cache)]
async fn open(State(app): State<App>) -> Json<usize> {
    Json(app.run())
}

#[cached(key = "shared", shared, cache = app.cache)]
async fn shared(State(app): State<App>) -> Json<usize> {
    Json(app.run())
}

#[cached(key = "public", cache = app.cache)]
async fn public(State(app): State<App>) -> Response {
    ([("cache-control", "public")], app.run().to_string()).into_response()
}

#[cached(key = "middleware", skip(app), cache = app.cache)]
async fn setting(app: App) -> usize {
    app.run()
}

/// No cached handler, but it has to do with one.
async fn forget(State(app): State<App>) -> String {
    let forgotten = open::invalidate(State(app.clone())).await;
    forgotten.expect("there is no far tier");
    open::key(State(app))
}

fn routes(app: &App) -> Router {
    Router::new()
        .route("/forget", get(forget))
        .route("/open", get(open))
        .route("/shared", get(shared))
        .route("/public", get(public))
        .with_state(app.clone())
}

fn router(app: &App) -> Router {
    routes(app).layer(larder::axum::layer())
}

/// What a request with `control` gets `age` seconds after another one filled the cache: the run
/// of the handler, the status, and what is said of it; and then what the next one gets.
async fn asked(control: &str, age: u64) -> (String, StatusCode, String, String) {
    let app = App::new();
    let router = router(&app);
    app::get(&router, "/open", &[]).await;
    app.advance(age);
    let reply = app::get(&router, "/open", &[("cache-control", control)]).await;
    let next = app::get(&router, "/open", &[]).await;
    (
        reply.text().to_owned(),
        reply.status,
        reply.cache_status(),
        next.text().to_owned(),
    )
}

#[tokio::test]
async fn each_directive_is_heeded() {
    let hit = |ttl: u64| format!("larder; hit; ttl={ttl}");
    let refreshed = || "larder; fwd=request; stored".to_owned();
    for (control, age, run, said, next) in [
        ("", 10, "1", hit(90), "1"),
        ("no-cache", 10, "2", refreshed(), "2"),
        (
            "no-store",
            10,
            "2",
            "larder; fwd=request; fwd-status=200".to_owned(),
            "1",
        ),
        ("only-if-cached", 10, "1", hit(90), "1"),
        ("max-age=10", 10, "1", hit(90), "1"),
        (
            "max-age=9",
            10,
            "2",
            "larder; fwd=miss; stored".to_owned(),
            "2",
        ),
        (
            "max-age=0",
            10,
            "2",
            "larder; fwd=miss; stored".to_owned(),
            "2",
        ),
        ("min-fresh=90", 10, "1", hit(90), "1"),
        (
            "min-fresh=91",
            10,
            "2",
            "larder; fwd=miss; stored".to_owned(),
            "2",
        ),
        ("max-stale", 10, "1", hit(90), "1"),
    ] {
        let expected = (run.to_owned(), StatusCode::OK, said, next.to_owned());
        assert_eq!(asked(control, age).await, expected, "{control}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_made_for_who_wants_only_what_is_there() {
    let app = App::new();
    let router = router(&app);
    let control = [("cache-control", "only-if-cached")];
    let reply = app::get(&router, "/open", &control).await;
    assert_eq!((reply.status, app.runs()), (StatusCode::GATEWAY_TIMEOUT, 0));
    assert_eq!(reply.cache_status(), "larder; detail=ONLY-IF-CACHED");
    for (control, status) in [
        ("only-if-cached, max-age=9", 504),
        ("only-if-cached, max-age=10", 200),
        ("only-if-cached, no-cache", 504),
    ] {
        assert_eq!(asked(control, 10).await.1, status, "{control}");
    }
}

#[tokio::test]
async fn pragma_is_heeded_where_there_is_no_cache_control() {
    let app = App::new();
    let router = router(&app);
    for run in ["1", "2"] {
        let reply = app::get(&router, "/open", &[("pragma", "no-cache")]).await;
        assert_eq!(reply.text(), run);
    }
}

#[tokio::test]
async fn a_service_may_be_deaf_to_what_clients_ask() {
    let app = App::new();
    let router = routes(&app).layer(larder::axum::layer().ignore_requests());
    for control in ["", "no-cache", "no-store", "max-age=0", "only-if-cached"] {
        let reply = app::get(&router, "/open", &[("cache-control", control)]).await;
        assert_eq!(reply.text(), "1", "{control}");
    }
}

#[tokio::test]
async fn what_an_authorized_request_gets_is_for_others_only_if_somebody_says_so() {
    let auth = ("authorization", "Bearer secret");
    for (path, runs) in [("/open", 2), ("/shared", 1), ("/public", 1)] {
        let app = App::new();
        let router = router(&app);
        app::get(&router, path, &[auth]).await;
        app::get(&router, path, &[]).await;
        assert_eq!(app.runs(), runs, "{path}");
        // What was stored for everybody is for the authorized, too.
        app::get(&router, path, &[auth]).await;
        assert_eq!(app.runs(), runs, "{path}");
    }
}

#[tokio::test]
async fn cookies_of_a_request_do_not_keep_its_response_out() {
    let app = App::new();
    let router = router(&app);
    app::get(&router, "/open", &[("cookie", "a=b")]).await;
    app::get(&router, "/open", &[]).await;
    assert_eq!(app.runs(), 1);
}

#[tokio::test]
async fn what_a_request_asks_is_for_its_handler_and_not_for_what_comes_before() {
    let app = App::new();
    let before = app.clone();
    let middleware = move |request, next: Next| {
        let app = before.clone();
        async move {
            setting(app).await;
            next.run(request).await
        }
    };
    let router = routes(&app)
        .layer(from_fn(middleware))
        .layer(larder::axum::layer());
    let control = [("cache-control", "no-cache")];
    let first = app::get(&router, "/open", &control).await;
    let second = app::get(&router, "/open", &control).await;
    assert_eq!(
        (first.text(), second.text()),
        ("2", "3"),
        "one run was the middleware's"
    );
}

#[tokio::test]
async fn what_a_request_asks_is_not_asked_of_a_companion() {
    for control in ["", "no-cache", "no-store", "only-if-cached"] {
        let app = App::new();
        let router = router(&app);
        app::get(&router, "/open", &[]).await;
        let reply = app::get(&router, "/forget", &[("cache-control", control)]).await;
        assert_eq!((reply.text(), app.runs()), ("open", 1), "{control}");
        app::get(&router, "/open", &[]).await;
        assert_eq!(app.runs(), 2, "{control}");
    }
}
