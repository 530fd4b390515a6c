use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "users:<usr.id>", tags = ["team:*"], ttl = "1 day")]
fn save(user: User) {
    drop(user);
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
