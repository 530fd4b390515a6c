//! What of a request can stand in a key, and how apart.

use axum::{
    Extension, Json, Router,
    extract::{OriginalUri, Path, Query, RawQuery, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
    routing::get,
};
use axum_extra::{
    TypedHeader,
    extract::CookieJar,
    headers::{Authorization, UserAgent, authorization::Bearer},
};
use larder::{KeyPart, cached};
use serde::Deserialize;

use crate::app::{self, App};

#[derive(Debug, Clone, Deserialize, KeyPart)]
struct Page {
    number: u32,
    size: Option<u32>,
}

#[derive(Debug, Clone, KeyPart)]
struct User {
    id: u64,
}

#[cached(cache = app.cache)]
async fn whole(
    path: Path<(u64, String)>,
    page: Query<Page>,
    State(app): State<App>,
) -> Json<usize> {
    let (Path((_, _)), Query(_)) = (path, page);
    Json(app.run())
}

#[cached(key = "parts:<path.0.1>:<page.0.number>:<page.0.size>", cache = app.cache)]
async fn parts(
    path: Path<(u64, String)>,
    page: Query<Page>,
    State(app): State<App>,
) -> Json<usize> {
    drop((path, page));
    Json(app.run())
}

#[cached(key = "names:<id>:<name>:<page.number>", cache = app.cache)]
async fn names(
    Path((id, name)): Path<(u64, String)>,
    Query(page): Query<Page>,
    State(app): State<App>,
) -> Json<usize> {
    drop((id, name, page));
    Json(app.run())
}

#[cached(key = "extended:<user.0.id>", cache = app.cache)]
async fn extended(user: Extension<User>, State(app): State<App>) -> Json<usize> {
    drop(user);
    Json(app.run())
}

#[cached(key = "uri:<method>:<uri>:<query>", cache = app.cache)]
async fn uri(
    method: Method,
    uri: OriginalUri,
    query: RawQuery,
    State(app): State<App>,
) -> Json<usize> {
    drop((method, uri, query));
    Json(app.run())
}

#[cached(key = "fields:<headers[accept-language]>:<headers[X-Tenant]>", cache = app.cache)]
async fn fields(headers: HeaderMap, State(app): State<App>) -> Json<usize> {
    drop(headers);
    Json(app.run())
}

#[cached(key = "secret:<headers[authorization]>", cache = app.cache)]
async fn secret(headers: HeaderMap, State(app): State<App>) -> Json<usize> {
    drop(headers);
    Json(app.run())
}

#[cached(key = "jar:<jar[session]>", cache = app.cache)]
async fn jar(jar: CookieJar, State(app): State<App>) -> Json<usize> {
    drop(jar);
    Json(app.run())
}

#[cached(key = "agents:<agent>", cache = app.cache)]
async fn agent(agent: TypedHeader<UserAgent>, State(app): State<App>) -> Json<usize> {
    drop(agent);
    Json(app.run())
}

#[cached(key = "maybe:<agent>", cache = app.cache)]
async fn maybe(agent: Option<TypedHeader<UserAgent>>, State(app): State<App>) -> Json<usize> {
    drop(agent);
    Json(app.run())
}

#[cached(key = "bearer:<token>", cache = app.cache)]
async fn bearer(
    TypedHeader(Authorization(token)): TypedHeader<Authorization<Bearer>>,
    State(app): State<App>,
) -> Json<usize> {
    drop(token);
    Json(app.run())
}

#[cached(key = "anybody:<id>", shared, cache = app.cache)]
async fn anybody(
    Path(id): Path<u64>,
    headers: HeaderMap,
    Extension(user): Extension<User>,
    State(app): State<App>,
) -> Response {
    drop((id, headers, user));
    app.run().to_string().into_response()
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/whole/{id}/{name}", get(whole))
        .route("/parts/{id}/{name}", get(parts))
        .route("/names/{id}/{name}", get(names))
        .route(
            "/extended/1",
            get(extended).layer(Extension(User { id: 1 })),
        )
        .route(
            "/extended/2",
            get(extended).layer(Extension(User { id: 2 })),
        )
        .route("/uri", get(uri))
        .route("/fields", get(fields))
        .route("/secret", get(secret))
        .route("/jar", get(jar))
        .route("/agent", get(agent))
        .route("/maybe", get(maybe))
        .route("/bearer", get(bearer))
        .route(
            "/anybody/{id}",
            get(anybody).layer(Extension(User { id: 1 })),
        )
        .with_state(app.clone())
        .layer(larder::axum::layer())
}

/// A path, and headers.
type Ask = (&'static str, &'static [(&'static str, &'static str)]);

/// Asks for each twice: each has an entry of its own. The replies to the second questions.
async fn apart(asks: &[Ask]) -> Vec<app::Reply> {
    let app = App::new();
    let router = router(&app);
    let mut replies = Vec::new();
    for twice in 0..2 {
        for (run, (path, headers)) in (1..).zip(asks) {
            let reply = app::get(&router, path, headers).await;
            assert_eq!(reply.text(), run.to_string(), "{path} {headers:?}");
            if twice == 1 {
                replies.push(reply);
            }
        }
    }
    replies
}

#[tokio::test]
async fn extractors_stand_in_keys_whole_and_in_parts() {
    apart(&[
        ("/whole/1/a?number=1", &[]),
        ("/whole/2/a?number=1", &[]),
        ("/whole/1/b?number=1", &[]),
        ("/whole/1/a?number=2", &[]),
        ("/whole/1/a?number=1&size=1", &[]),
    ])
    .await;
    apart(&[
        ("/parts/1/a?number=1", &[]),
        ("/parts/1/b?number=1", &[]),
        ("/parts/1/a?number=1&size=1", &[]),
    ])
    .await;
    apart(&[
        ("/names/1/a?number=1", &[]),
        ("/names/2/a?number=1", &[]),
        ("/names/1/a%3Ab?number=1", &[]),
    ])
    .await;
    apart(&[("/extended/1", &[]), ("/extended/2", &[])]).await;
    apart(&[("/uri", &[]), ("/uri?", &[]), ("/uri?a", &[])]).await;
}

#[tokio::test]
async fn header_fields_stand_in_keys() {
    let replies = apart(&[
        ("/fields", &[]),
        ("/fields", &[("accept-language", "")]),
        ("/fields", &[("accept-language", "de")]),
        (
            "/fields",
            &[("accept-language", "de"), ("accept-language", "en")],
        ),
        ("/fields", &[("accept-language", "de, en")]),
        ("/fields", &[("x-tenant", "de")]),
    ])
    .await;
    for reply in replies {
        assert_eq!(reply.header("vary"), "accept-language, x-tenant");
        assert_eq!(reply.header("cache-control"), "max-age=300");
    }
}

#[tokio::test]
async fn typed_headers_stand_in_keys() {
    let agents: [Ask; 2] = [
        ("/agent", &[("user-agent", "a")]),
        ("/agent", &[("user-agent", "b")]),
    ];
    let replies = apart(&agents).await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.header("vary") == "user-agent")
    );
    apart(&[
        ("/maybe", &[]),
        ("/maybe", &[("user-agent", "a")]),
        ("/maybe", &[("user-agent", "b")]),
    ])
    .await;
}

#[tokio::test]
async fn who_asks_stands_in_keys() {
    let bearers: [Ask; 2] = [
        ("/bearer", &[("authorization", "Bearer a")]),
        ("/bearer", &[("authorization", "Bearer b")]),
    ];
    for reply in apart(&bearers).await {
        assert_eq!(reply.header("vary"), "authorization");
        assert_eq!(reply.header("cache-control"), "private, max-age=300");
    }
    let secrets: [Ask; 2] = [
        ("/secret", &[("authorization", "Bearer a")]),
        ("/secret", &[("authorization", "Bearer b")]),
    ];
    for reply in apart(&secrets).await {
        assert_eq!(reply.header("cache-control"), "private, max-age=300");
    }
    let replies = apart(&[
        ("/jar", &[]),
        ("/jar", &[("cookie", "session=a; other=1")]),
        ("/jar", &[("cookie", "session=b")]),
    ])
    .await;
    for reply in replies {
        assert_eq!(
            (&*reply.header("vary"), &*reply.header("cache-control")),
            ("cookie", "private, max-age=300")
        );
    }
    let app = App::new();
    let router = router(&app);
    app::get(&router, "/jar", &[("cookie", "session=a; other=1")]).await;
    app::get(&router, "/jar", &[("cookie", "session=a; other=2")]).await;
    assert_eq!(app.runs(), 1, "other cookies do not matter");
}

#[tokio::test]
async fn what_is_shared_is_the_same_for_everybody() {
    let auth: [Ask; 2] = [
        ("/anybody/1", &[]),
        ("/anybody/2", &[("authorization", "a")]),
    ];
    for reply in apart(&auth).await {
        assert_eq!(
            (&*reply.header("vary"), &*reply.header("cache-control")),
            ("", "max-age=300")
        );
    }
}

#[tokio::test]
async fn a_secret_is_never_in_a_key_in_clear() {
    let mut headers = HeaderMap::new();
    let value = "Bearer hunter2".parse().expect("a value");
    headers.insert("authorization", value);
    let token = Authorization::bearer("hunter2").expect("a token");
    for key in [
        secret::key(headers, State(App::new())),
        bearer::key(TypedHeader(token), State(App::new())),
    ] {
        assert!(!key.contains("hunter2"), "{key}");
    }
}
