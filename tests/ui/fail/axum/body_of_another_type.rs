use axum::{Json, http::StatusCode};
use larder::cached;

#[cached]
async fn count() -> (StatusCode, Json<u64>) {
    (StatusCode::OK, Json("one"))
}

fn main() {
    let _ = count();
}
