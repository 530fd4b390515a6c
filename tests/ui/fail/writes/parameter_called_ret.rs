use larder::invalidate_cache;

#[derive(Clone)]
struct User {
    id: u64,
}

#[invalidate_cache(prefix = "users:<ret.id>")]
async fn save(ret: User) -> Result<User, String> {
    Ok(ret)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
