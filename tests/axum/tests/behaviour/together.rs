//! Requests that come together: one run, and who gets what of it.

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use larder::cached;
use tokio::{
    task::{JoinHandle, JoinSet, yield_now},
    time::timeout,
};

use crate::app::{self, App, Reply};

/// Waits at the gate, then answers with this status and `Cache-Control`.
#[cached(key = "slow:<code>:<control>", cache = app.cache)]
async fn slow(Path((code, control)): Path<(u16, String)>, State(app): State<App>) -> Response {
    let run = app.run().to_string();
    app.gate.acquire().await.expect("never closed").forget();
    let status = StatusCode::from_u16(code).expect("a status");
    (status, [("cache-control", control)], run).into_response()
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/slow/{code}/{control}", get(slow))
        .with_state(app.clone())
        .layer(larder::axum::layer())
}

/// The replies to `count` requests that all came before the first was answered.
async fn burst(app: &App, path: &'static str, count: usize) -> Vec<Reply> {
    let router = router(app);
    let mut replies = JoinSet::new();
    for _ in 0..count {
        let router = router.clone();
        replies.spawn(async move { app::get(&router, path, &[]).await });
    }
    // On one thread: each goes as far as it can before this goes on.
    for _ in 0..3 * count {
        yield_now().await;
    }
    app.gate.add_permits(count);
    let all = timeout(Duration::from_secs(5), replies.join_all()).await;
    all.expect("nobody hangs")
}

#[tokio::test]
async fn a_burst_runs_the_handler_once() {
    let app = App::new();
    let replies = burst(&app, "/slow/200/public", 20).await;
    assert_eq!(app.runs(), 1);
    let said = |said: &str| {
        replies
            .iter()
            .filter(|reply| reply.cache_status() == said)
            .count()
    };
    assert_eq!(said("larder; fwd=miss; stored"), 1);
    assert_eq!(said("larder; fwd=miss; collapsed"), 19);
    assert!(replies.iter().all(|reply| reply.body == replies[0].body));
    assert!(
        replies
            .iter()
            .all(|reply| reply.etag() == replies[0].etag())
    );
}

#[tokio::test]
async fn a_failure_is_shared_with_those_who_waited_and_with_nobody_later() {
    let app = App::new();
    let replies = burst(&app, "/slow/503/public", 20).await;
    assert_eq!(app.runs(), 1);
    assert!(
        replies
            .iter()
            .all(|reply| reply.status == 503 && reply.text() == "1")
    );
    assert_eq!(burst(&app, "/slow/503/public", 1).await[0].text(), "2");
}

#[tokio::test]
async fn what_is_for_one_is_given_to_one() {
    for path in [
        "/slow/200/private",
        "/slow/200/no-store",
        "/slow/403/private",
    ] {
        let app = App::new();
        let replies = burst(&app, path, 5).await;
        let mut bodies: Vec<_> = replies.iter().map(Reply::text).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, ["1", "2", "3", "4", "5"], "{path}");
    }
}

#[tokio::test]
async fn a_client_that_goes_leaves_its_run_to_those_who_wait() {
    let app = App::new();
    let router = router(&app);
    let request = |router: Router| -> JoinHandle<Reply> {
        tokio::spawn(async move { app::get(&router, "/slow/200/public", &[]).await })
    };
    let first = request(router.clone());
    while app.runs() == 0 {
        yield_now().await;
    }
    let second = request(router);
    for _ in 0..5 {
        yield_now().await;
    }
    first.abort();
    app.gate.add_permits(2);
    let reply = timeout(Duration::from_secs(5), second).await;
    let reply = reply.expect("nobody hangs").expect("no panic");
    assert_eq!((reply.text(), app.runs()), ("1", 1));
}

#[tokio::test]
async fn an_invalidation_outlasts_a_response_that_is_on_its_way() {
    let app = App::new();
    let router = router(&app);
    let asked = router.clone();
    let first = tokio::spawn(async move { app::get(&asked, "/slow/200/public", &[]).await });
    while app.runs() == 0 {
        yield_now().await;
    }
    app.cache
        .remove_prefix("slow:200")
        .await
        .expect("no far tier");
    app.gate.add_permits(2);
    assert_eq!(first.await.expect("no panic").text(), "1");
    assert_eq!(app::get(&router, "/slow/200/public", &[]).await.text(), "2");
}
