use axum::{Json, http::HeaderMap};
use larder::cached;

#[cached(key = "counts:<headers[accept language]>")]
async fn count(headers: HeaderMap) -> Json<u64> {
    drop(headers);
    Json(1)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = count(any());
}
