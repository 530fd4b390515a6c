use axum::{Extension, Json, extract::Path};
use larder::cached;

#[derive(Clone)]
struct User;

#[cached(key = "orders:<id>")]
async fn order(Path(id): Path<u64>, Extension(user): Extension<User>) -> Json<u64> {
    drop(user);
    Json(id)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = order(any(), any());
}
