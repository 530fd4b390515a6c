use axum::{Json, extract::Path};
use larder::cache_put;

#[cache_put(key = "users:<id>")]
async fn rename(Path(id): Path<u64>) -> Json<String> {
    Json(format!("user {id}"))
}

#[cache_put(key = "pages")]
async fn render() -> impl axum::response::IntoResponse {
    "page"
}

fn main() {}
