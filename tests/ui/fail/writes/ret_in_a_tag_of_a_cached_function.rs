use larder::cached;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cached(tags = ["team:<ret.id>"])]
async fn get(id: u64) -> User {
    User { id }
}

fn main() {
    let _ = get(1);
}
