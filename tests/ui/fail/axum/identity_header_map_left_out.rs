use axum::{http::HeaderMap, response::Response};
use larder::cached;

#[cached(key = "start")]
async fn start(headers: HeaderMap) -> Response {
    drop(headers);
    Response::default()
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = start(any());
}
