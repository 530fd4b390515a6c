use axum::Json;
use larder::cached;

#[cached(codec = json, none_ttl = 5, err_ttl = 5, unless = |_| false)]
async fn count() -> Json<u64> {
    Json(1)
}

#[cached(ttl_from = |_| std::time::Duration::ZERO)]
async fn other() -> Json<u64> {
    Json(1)
}

fn main() {
    let _ = count();
    let _ = other();
}
