use axum::{Extension, Json};
use larder::cached;

#[cached(skip(user))]
async fn me(Extension(user): Extension<u64>) -> Json<u64> {
    Json(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = me(any());
}
