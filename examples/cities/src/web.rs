//! The HTTP side: which request asks what. It does not know whether answers are cached.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequest, FromRequestParts, State},
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Catalogue, City, CountryCities, CountryCode, Draft, Error, Listing, Name, Page, Result, Sort,
    writes,
};

/// All routes of the service, answered by `catalogue`.
pub fn router<C: Catalogue>(catalogue: C) -> Router {
    Router::new()
        .route("/cities", get(search::<C>).post(create::<C>))
        .route(
            "/cities/{id}",
            get(city::<C>).put(update::<C>).delete(delete::<C>),
        )
        .route("/countries/{code}/cities", get(country::<C>))
        .route("/trips", get(trips::<C>))
        .with_state(catalogue)
}

async fn city<C: Catalogue>(
    State(catalogue): State<C>,
    Path(id): Path<u32>,
) -> Result<Json<Arc<City>>> {
    catalogue
        .city(id)
        .await?
        .map(Json)
        .ok_or(Error::Missing("city"))
}

async fn country<C: Catalogue>(
    State(catalogue): State<C>,
    Path(code): Path<CountryCode>,
    Query(Order { sort }): Query<Order>,
    Query(paging): Query<Paging>,
) -> Result<Json<Arc<CountryCities>>> {
    let answer = catalogue.country(code, sort, paging.page()?).await?;
    answer.map(Json).ok_or(Error::Missing("country"))
}

async fn search<C: Catalogue>(
    State(catalogue): State<C>,
    Query(Wanted { name }): Query<Wanted>,
    Query(paging): Query<Paging>,
) -> Result<Json<Arc<Listing>>> {
    if !(Name::START..=200).contains(&name.folded.chars().count()) {
        return Err(invalid("`name` must have 2 to 200 characters"));
    }
    Ok(Json(catalogue.search(&name, paging.page()?).await?))
}

async fn create<C: Catalogue>(
    State(catalogue): State<C>,
    Json(draft): Json<Draft>,
) -> Result<impl IntoResponse> {
    let city = writes::create(catalogue, draft).await?;
    let location = format!("/cities/{}", city.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(city)))
}

async fn update<C: Catalogue>(
    State(catalogue): State<C>,
    Path(id): Path<u32>,
    Json(draft): Json<Draft>,
) -> Result<Json<City>> {
    writes::update(catalogue, id, draft).await.map(Json)
}

async fn delete<C: Catalogue>(
    State(catalogue): State<C>,
    Path(id): Path<u32>,
) -> Result<Json<Value>> {
    let version = writes::delete(catalogue, id).await?;
    Ok(Json(json!({ "id": id, "version": version })))
}

async fn trips<C: Catalogue>(State(catalogue): State<C>) -> impl IntoResponse {
    Json(catalogue.db().trips())
}

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    sort: Sort,
}

#[derive(Deserialize)]
struct Wanted {
    name: Name,
}

#[derive(Deserialize)]
struct Paging {
    page: Option<u32>,
    size: Option<u32>,
}

impl Paging {
    fn page(&self) -> Result<Page> {
        Page::new(self.page.unwrap_or(1), self.size.unwrap_or(20)).map_err(invalid)
    }
}

fn invalid(why: &str) -> Error {
    Error::Invalid(StatusCode::BAD_REQUEST, why.to_owned())
}

/// axum's extractors, but a bad request is answered as every other error is.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
struct Json<T>(T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
struct Path<T>(T);

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
struct Query<T>(T);
