//! Responses in a real Redis: the same bytes, the same headers, the same tag in every process.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use larder::{Cache, Clock, Moka, Redis, axum::MAX_BODY, cached};
use test_support::{RedisServer, Reply};

use tokio::time::{sleep, timeout};

use crate::app::{self, App};

#[cached(key = "rich:<id>", ttl = 100, tags = ["rich"], cache = app.cache)]
async fn rich(Path(id): Path<u64>, State(app): State<App>) -> Response {
    let mut headers = HeaderMap::new();
    for value in ["3", "1", "2"] {
        headers.append("x-repeated", value.parse().expect("a value"));
    }
    headers.insert(
        "x-bytes",
        b"\xe9\t\xff".as_slice().try_into().expect("a value"),
    );
    let body: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    app.run();
    (
        StatusCode::CREATED,
        headers,
        [("x-id", id.to_string())],
        body,
    )
        .into_response()
}

#[cached(key = "large", cache = app.cache)]
async fn large(State(app): State<App>) -> Response {
    app.run();
    Body::from(vec![7; MAX_BODY]).into_response()
}

/// A process of its own, as far as larder can tell.
async fn process(url: &str, near: bool) -> (App, Router) {
    let long = Duration::from_secs(5);
    let redis = Redis::builder(url).deadline(long).build().expect("a URL");
    let mut cache = Cache::builder().far(redis).outage_budget(long);
    if near {
        cache = cache.near(Moka::default());
    }
    let cache = cache.build().expect("fine");
    if near {
        // When its feed begins to be heard, a near tier forgets what it has, and loads with it.
        let _: Option<u64> = cache.get("anything").await.expect("the server is up");
        let heard = async {
            while !cache.stats().feed_alive {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(long, heard).await.expect("the feed is up");
    }
    let app = App::on(cache, Clock::system());
    let router = Router::new()
        .route("/rich/{id}", get(rich))
        .route("/large", get(large))
        .with_state(app.clone())
        .layer(larder::axum::layer());
    (app, router)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_sends_the_same_bytes_headers_and_tag() {
    let server = RedisServer::start(&[]);
    for near in [false, true] {
        let path = if near { "/rich/1" } else { "/rich/2" };
        let (first, router) = process(&server.url(), near).await;
        let mut made = app::get(&router, path, &[]).await;
        let (second, router) = process(&server.url(), near).await;
        let mut found = app::get(&router, path, &[]).await;
        assert_eq!((first.runs(), second.runs()), (1, 0));
        assert_eq!(made.cache_status(), "larder; fwd=miss; stored");
        assert!(
            found.cache_status().starts_with("larder; hit; ttl="),
            "{found:?}"
        );
        assert_eq!(found.header("age"), "0");
        for reply in [&mut made, &mut found] {
            reply.headers.remove("cache-status");
            reply.headers.remove("age");
        }
        assert_eq!(made, found);
        assert_eq!(
            made.headers
                .get_all("x-repeated")
                .iter()
                .collect::<Vec<_>>(),
            ["3", "1", "2"]
        );
        let asked = app::get(&router, path, &[("if-none-match", &made.etag())]).await;
        assert_eq!((asked.status, second.runs()), (StatusCode::NOT_MODIFIED, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_reaches_the_responses_of_all_processes() {
    let server = RedisServer::start(&[]);
    let (first, here) = process(&server.url(), false).await;
    let (second, there) = process(&server.url(), false).await;
    app::get(&here, "/rich/1", &[]).await;
    app::get(&there, "/rich/1", &[]).await;
    assert_eq!((first.runs(), second.runs()), (1, 0));
    first.cache.remove_tag("rich").await.expect("it is there");
    app::get(&there, "/rich/1", &[]).await;
    assert_eq!((first.runs(), second.runs()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_in_the_store_are_the_bytes_of_the_response() {
    let server = RedisServer::start(&[]);
    let (_, router) = process(&server.url(), false).await;
    let sent = app::get(&router, "/rich/1", &[]).await;
    let mut client = server.client();
    let Ok(Reply::Array(keys)) = client.command(&["KEYS", "*"]) else {
        panic!("there are keys");
    };
    let names: Vec<_> = keys.iter().filter_map(Reply::text).collect();
    let name = names.iter().find(|name| name.contains("rich:1"));
    let name = name.unwrap_or_else(|| panic!("{names:?}"));
    let Ok(Reply::Bulk(stored)) = client.command(&["GET", name]) else {
        panic!("there is a value");
    };
    let body = sent.body.as_ref();
    assert!(stored.windows(body.len()).any(|part| part == body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_too_large_for_the_store_is_sent_all_the_same() {
    let server = RedisServer::start(&[]);
    let (app, router) = process(&server.url(), true).await;
    for _ in 0..2 {
        assert_eq!(app::get(&router, "/large", &[]).await.body.len(), MAX_BODY);
    }
    assert_eq!(app.runs(), 1, "the near tier has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_in_the_store_will_do_for_who_wants_only_what_is_stored() {
    let server = RedisServer::start(&[]);
    let (_, router) = process(&server.url(), true).await;
    app::get(&router, "/rich/1", &[]).await;
    let (app, router) = process(&server.url(), true).await;
    let wanted = [("cache-control", "only-if-cached")];
    assert_eq!(
        app::get(&router, "/rich/1", &wanted).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        app::get(&router, "/rich/2", &wanted).await.status,
        StatusCode::GATEWAY_TIMEOUT
    );
    assert_eq!(app.runs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_seen_by_the_other_processes() {
    let server = RedisServer::start(&[]);
    let (first, here) = process(&server.url(), true).await;
    let (second, there) = process(&server.url(), false).await;
    app::get(&here, "/rich/1", &[]).await;
    let refreshed = app::get(&here, "/rich/1", &[("cache-control", "no-cache")]).await;
    assert_eq!(refreshed.cache_status(), "larder; fwd=request; stored");
    assert_eq!(first.runs(), 2);
    app::get(&there, "/rich/1", &[]).await;
    assert_eq!(second.runs(), 0);
}
