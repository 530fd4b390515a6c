use axum::{Json, extract::Path};
use larder::cached;

#[cached(key = "counts:<id[accept]>")]
async fn count(Path(id): Path<u64>) -> Json<u64> {
    Json(id)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = count(any());
}
