//! Every form of a handler, and of what it may take.
#![deny(warnings)]
#![allow(missing_debug_implementations, missing_docs)]
#![deny(clippy::pedantic)]
#![forbid(unsafe_code)]

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use axum_extra::{
    TypedHeader,
    extract::CookieJar,
    headers::{Authorization, UserAgent, authorization::Bearer},
};
use larder::{KeyPart, cached};

#[derive(Clone)]
pub struct Db;

#[derive(serde::Serialize)]
pub struct User {
    id: u64,
}

#[derive(Clone, serde::Deserialize, KeyPart)]
pub struct Page {
    number: u32,
}

/// An error that axum can send.
pub struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl From<std::num::ParseIntError> for AppError {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

/// Documented, and public.
///
/// # Errors
///
/// Never.
#[cached(ttl = 60, key = "users:<id>")]
pub async fn user(Path(id): Path<u64>, State(_db): State<Db>) -> Result<Json<User>, AppError> {
    Ok(Json(User { id }))
}

#[cached]
async fn html(Query(page): Query<Page>, State(_): State<Db>) -> Html<String> {
    Html(page.number.to_string())
}

#[cached]
async fn plain() -> Response {
    Response::default()
}

#[cached]
async fn opaque() -> impl IntoResponse {
    "opaque"
}

#[cached(key = "opaque:<text>")]
async fn fallible(Path(text): Path<String>) -> Result<impl IntoResponse, AppError> {
    let number: u64 = text.parse()?;
    Ok(number.to_string())
}

#[cached]
async fn tuple() -> (StatusCode, [(HeaderName, &'static str); 1], &'static str) {
    (StatusCode::OK, [(HeaderName::from_static("x-a"), "1")], "")
}

type Alias = Result<&'static str, AppError>;

#[cached(response)]
async fn alias() -> Alias {
    Ok("")
}

#[cached(key = "fields:<headers[accept-language]>")]
async fn fields(headers: HeaderMap) -> Response {
    format!("{headers:?}").into_response()
}

#[cached(key = "agents:<agent>:<token>")]
async fn typed(
    agent: Option<TypedHeader<UserAgent>>,
    TypedHeader(Authorization(token)): TypedHeader<Authorization<Bearer>>,
) -> Json<usize> {
    Json(token.token().len() + agent.map_or(0, |agent| agent.as_str().len()))
}

#[cached(key = "jar:<jar[session]>")]
async fn cookies(jar: CookieJar) -> Json<usize> {
    Json(jar.iter().count())
}

#[cached(key = "extended:<tenant>", if = tenant > 0)]
async fn extended(Extension(tenant): Extension<u8>) -> Json<u8> {
    Json(tenant)
}

#[cached(key = "everybody", shared)]
async fn everybody(headers: HeaderMap, Extension(user): Extension<u8>) -> Json<usize> {
    Json(headers.len() + usize::from(user))
}

#[axum::debug_handler]
#[cached(key = "inside:<id>")]
async fn inside(Path(id): Path<u64>) -> Json<u64> {
    std::future::ready(Json(id)).await
}

#[cached(key = "outside:<id>")]
#[axum::debug_handler]
async fn outside(Path(id): Path<u64>) -> Result<Json<u64>, AppError> {
    Ok(Json(id))
}

#[cached(key = "traced:<id>")]
#[tracing::instrument]
async fn traced(Path(id): Path<u64>) -> Json<u64> {
    Json(id)
}

struct Api;

impl Api {
    #[cached(key = "associated:<id>", companion = false)]
    async fn associated(Path(id): Path<u64>) -> Json<u64> {
        Json(id)
    }
}

fn main() {
    let _: Router = Router::new()
        .route("/user/{id}", get(user))
        .route("/html", get(html))
        .route("/plain", get(plain))
        .route("/opaque", get(opaque))
        .route("/fallible/{text}", get(fallible))
        .route("/tuple", get(tuple))
        .route("/alias", get(alias))
        .route("/fields", get(fields))
        .route("/typed", get(typed))
        .route("/cookies", get(cookies))
        .route("/extended", get(extended))
        .route("/everybody", get(everybody))
        .route("/inside/{id}", get(inside))
        .route("/outside/{id}", get(outside))
        .route("/traced/{id}", get(traced))
        .route("/associated/{id}", get(Api::associated))
        .layer(larder::axum::layer())
        .with_state(Db);
}
