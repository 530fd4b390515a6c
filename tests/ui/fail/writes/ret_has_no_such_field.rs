use larder::invalidate_cache;

#[derive(Clone)]
struct User {
    id: u64,
}

#[invalidate_cache(keys = ["users:<ret.id>", "names:<ret.name>"])]
async fn save(user: User) -> Result<User, String> {
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
