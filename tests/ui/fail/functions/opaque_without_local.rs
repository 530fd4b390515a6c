use larder::cached;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> impl std::fmt::Display {
    id
}

fn main() {
    drop(get_user(1));
}
