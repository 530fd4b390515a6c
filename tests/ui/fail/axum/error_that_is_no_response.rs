use axum::Json;
use larder::cached;

#[cached]
async fn count() -> Result<Json<u64>, std::fmt::Error> {
    Ok(Json(1))
}

fn main() {
    let _ = count();
}
