use axum::{http::HeaderMap, response::Response};
use axum_extra::{TypedHeader, headers::UserAgent};
use larder::cached;

#[cached]
async fn start(headers: HeaderMap, agent: TypedHeader<UserAgent>) -> Response {
    drop((headers, agent));
    Response::default()
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = start(any(), any());
}
