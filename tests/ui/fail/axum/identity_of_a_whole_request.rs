use axum::{extract::Request, response::Response};
use larder::cached;

#[cached(key = "start")]
async fn start(request: Request) -> Response {
    drop(request);
    Response::default()
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = start(any());
}
