use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "users:<ret.id>", unless = |user| user.id == limit)]
async fn save(user: User, limit: u64) -> Result<User, String> {
    drop(limit);
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any(), 1);
}
