use axum::{Json, extract::Query};
use larder::cached;

#[derive(serde::Deserialize)]
struct Page {
    number: u32,
}

#[cached]
async fn list(Query(page): Query<Page>) -> Json<u32> {
    Json(page.number)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = list(any());
}
