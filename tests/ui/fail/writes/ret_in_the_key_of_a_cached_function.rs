use larder::cached;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cached(key = "users:<ret.id>")]
async fn get(id: u64) -> User {
    User { id }
}

fn main() {
    let _ = get(1);
}
