use larder::cached;

#[cached(ttl = 60)]
#[derive(Clone)]
struct User {
    id: u64,
}

fn main() {
    drop(User { id: 1 }.id);
}
