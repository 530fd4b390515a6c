//! What clients are told: tags, ages, lifetimes, and that they have it already.

use axum::{
    Extension, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use larder::cached;

use crate::app::{self, App, Reply};

#[cached(key = "plain", ttl = 100, cache = app.cache)]
async fn plain(State(app): State<App>) -> Response {
    let headers = [
        (header::CONTENT_LANGUAGE, "en"),
        (header::LAST_MODIFIED, "Wed, 21 Oct 2015 07:28:00 GMT"),
        (header::CONTENT_LOCATION, "/here"),
        (header::EXPIRES, "Thu, 01 Jan 2099 00:00:00 GMT"),
        (header::SERVER, "test"),
    ];
    app.run();
    (headers, Json("body")).into_response()
}

#[cached(key = "own", cache = app.cache)]
async fn own(State(app): State<App>) -> Response {
    app.run();
    let headers = [
        ("etag", "W/\"own\""),
        ("cache-control", "public, max-age=7"),
    ];
    (headers, "body").into_response()
}

#[cached(key = "failing", cache = app.cache)]
async fn failing(State(app): State<App>) -> Response {
    app.run();
    (StatusCode::NOT_FOUND, [("etag", "\"a\"")]).into_response()
}

#[cached(key = "users:<user>", ttl = 50, cache = app.cache)]
async fn who(Extension(user): Extension<u8>, State(app): State<App>) -> Json<u8> {
    app.run();
    Json(user)
}

#[cached(key = "languages:<headers[accept-language]>:<name>", cache = app.cache)]
async fn language(
    Path(name): Path<String>,
    headers: HeaderMap,
    State(app): State<App>,
) -> Response {
    app.run();
    let accepted = headers.get("accept-language").cloned();
    let vary = [("vary", "Accept-Language")];
    let body = accepted.map_or_else(|| name, |value| value.to_str().expect("text").to_owned());
    (vary, body).into_response()
}

async fn uncached() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("etag", "\"a\"")], "body")
}

fn routes(app: &App) -> Router {
    Router::new()
        .route("/plain", get(plain).post(plain))
        .route("/own", get(own))
        .route("/failing", get(failing))
        .route("/who", get(who).layer(Extension(7_u8)))
        .route("/language/{name}", get(language))
        .route("/uncached", get(uncached))
        .with_state(app.clone())
}

fn router(app: &App) -> Router {
    routes(app).layer(larder::axum::layer())
}

/// A router with what `path` gives in its cache already, and that response.
async fn filled(path: &str) -> (App, Router, Reply) {
    let app = App::new();
    let router = router(&app);
    let reply = app::get(&router, path, &[]).await;
    (app, router, reply)
}

#[tokio::test]
async fn a_miss_and_a_hit_tell_what_they_are() {
    let (app, router, miss) = filled("/plain").await;
    assert_eq!(miss.cache_status(), "larder; fwd=miss; stored");
    assert_eq!(
        (&*miss.header("age"), &*miss.header("cache-control")),
        ("", "max-age=100")
    );
    let etag = miss.etag();
    assert_eq!(etag.len(), 34, "{etag}");
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    app.advance(30);
    let hit = app::get(&router, "/plain", &[]).await;
    assert_eq!(hit.cache_status(), "larder; hit; ttl=70");
    assert_eq!(
        (&*hit.header("age"), &*hit.header("cache-control")),
        ("30", "max-age=100")
    );
    assert_eq!((hit.etag(), hit.text()), (etag, "\"body\""));
    assert!(!hit.cache_status().contains("plain"), "a key is never told");
}

#[tokio::test]
async fn without_the_layer_a_handler_says_what_it_says_itself() {
    let app = App::new();
    let router = routes(&app);
    for _ in 0..2 {
        let reply = app::get(&router, "/plain", &[("if-none-match", "*")]).await;
        assert_eq!(reply.status, StatusCode::OK);
        for name in ["etag", "age", "cache-control", "cache-status"] {
            assert_eq!(reply.header(name), "", "{name}");
        }
    }
    assert_eq!(app.runs(), 1);
}

#[tokio::test]
async fn a_client_that_has_it_gets_no_body() {
    let (_, router, first) = filled("/plain").await;
    let etag = first.etag();
    let other = "\"00000000000000000000000000000000\"";
    for (wanted, found) in [
        (etag.clone(), true),
        (format!("W/{etag}"), true),
        (format!("{other}, W/{etag}"), true),
        ("*".to_owned(), true),
        (other.to_owned(), false),
        (etag.replace('"', ""), false),
        (String::new(), false),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let headers = [("if-none-match", &*wanted)];
            let reply = app::ask(&router, method.clone(), "/plain", &headers).await;
            let status = if found { 304 } else { 200 };
            assert_eq!(reply.status, status, "{method} {wanted}");
        }
    }
    let headers = [("if-none-match", other), ("if-none-match", &*etag)];
    assert_eq!(app::get(&router, "/plain", &headers).await.status, 304);
    let post = app::ask(&router, Method::POST, "/plain", &[("if-none-match", "*")]).await;
    assert_eq!(post.status, 200, "only GET and HEAD are conditional");
}

#[tokio::test]
async fn not_modified_has_the_headers_that_matter_and_no_others() {
    let (app, router, first) = filled("/plain").await;
    app.advance(1);
    let reply = app::get(&router, "/plain", &[("if-none-match", &first.etag())]).await;
    assert_eq!(
        (reply.status, &reply.body[..]),
        (StatusCode::NOT_MODIFIED, &b""[..])
    );
    let mut names: Vec<_> = reply.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "age",
            "cache-control",
            "cache-status",
            "content-location",
            "etag",
            "expires",
            "server"
        ]
    );
}

#[tokio::test]
async fn a_miss_can_be_answered_with_not_modified_as_well() {
    let etag = filled("/plain").await.2.etag();
    let app = App::new();
    let reply = app::get(&router(&app), "/plain", &[("if-none-match", &etag)]).await;
    assert_eq!((reply.status, app.runs()), (StatusCode::NOT_MODIFIED, 1));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let (_, router, _) = filled("/plain").await;
    let get = app::get(&router, "/plain", &[]).await;
    let head = app::ask(&router, Method::HEAD, "/plain", &[]).await;
    assert_eq!((&head.headers, head.body.len()), (&get.headers, 0));
    assert_eq!(head.header("content-length"), "6");
}

#[tokio::test]
async fn the_handlers_own_headers_stand() {
    let (_, router, first) = filled("/own").await;
    assert_eq!(
        (first.etag(), first.header("cache-control")),
        ("W/\"own\"".into(), "public, max-age=7".into())
    );
    let reply = app::get(&router, "/own", &[("if-none-match", "\"own\"")]).await;
    assert_eq!(
        (reply.status, reply.etag()),
        (StatusCode::NOT_MODIFIED, "W/\"own\"".into())
    );
}

#[tokio::test]
async fn a_failure_is_neither_tagged_nor_not_modified() {
    let (_, router, first) = filled("/failing").await;
    assert_eq!(first.cache_status(), "larder; fwd=miss; fwd-status=404");
    let reply = app::get(&router, "/failing", &[("if-none-match", "\"a\"")]).await;
    assert_eq!(reply.status, 404);
    assert_eq!(
        (reply.header("age"), reply.header("cache-control")),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn a_handler_that_is_not_cached_passes_through() {
    let (_, router, first) = filled("/uncached").await;
    assert_eq!(first.cache_status(), "");
    let reply = app::get(&router, "/uncached", &[("if-none-match", "\"a\"")]).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "body"));
}

#[tokio::test]
async fn where_the_key_says_who_asks_the_response_is_private() {
    let (_, router, first) = filled("/who").await;
    assert_eq!(first.header("cache-control"), "private, max-age=50");
    let hit = app::get(&router, "/who", &[]).await;
    assert_eq!(hit.header("cache-control"), "private, max-age=50");
}

#[tokio::test]
async fn header_fields_in_the_key_are_in_vary_once() {
    let (app, router, absent) = filled("/language/a").await;
    assert_eq!(absent.header("vary"), "Accept-Language");
    for (value, text) in [("de", "de"), ("", ""), ("de", "de")] {
        let reply = app::get(&router, "/language/a", &[("accept-language", value)]).await;
        assert_eq!(
            (reply.text(), &*reply.header("vary")),
            (text, "Accept-Language")
        );
        assert!(!reply.header("cache-control").contains("private"));
    }
    assert_eq!(app.runs(), 3);
}

#[tokio::test]
async fn bytes_that_were_encoded_since_have_a_weak_tag() {
    let app = App::new();
    let encode = |mut response: Response| async move {
        let gzip = header::HeaderValue::from_static("gzip");
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, gzip);
        response
    };
    let router = routes(&app)
        .layer(map_response(encode))
        .layer(larder::axum::layer());
    let strong = filled("/plain").await.2.etag();
    let reply = app::get(&router, "/plain", &[]).await;
    assert_eq!(reply.etag(), format!("W/{strong}"));
    let again = app::get(&router, "/plain", &[("if-none-match", &reply.etag())]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn clients_can_be_told_to_ask_each_time() {
    let app = App::new();
    let router = routes(&app).layer(larder::axum::layer().revalidate());
    assert_eq!(
        app::get(&router, "/plain", &[])
            .await
            .header("cache-control"),
        "no-cache"
    );
    let who = app::get(&router, "/who", &[]).await;
    assert_eq!(who.header("cache-control"), "private, no-cache");
    assert_eq!(
        app::get(&router, "/own", &[]).await.header("cache-control"),
        "public, max-age=7"
    );
}

#[tokio::test]
async fn of_two_layers_the_inner_one_speaks() {
    let app = App::new();
    let router = router(&app).layer(larder::axum::layer());
    for _ in 0..2 {
        let reply = app::get(&router, "/plain", &[]).await;
        assert_eq!(reply.headers.get_all("cache-status").iter().count(), 1);
    }
}
