use axum::Json;
use larder::cached;

#[cached(response)]
fn count() -> Json<u64> {
    Json(1)
}

fn main() {
    let _ = count();
}
