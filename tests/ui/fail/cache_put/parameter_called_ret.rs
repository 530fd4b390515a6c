use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "users:<ret.id>", tags = ["all:<ret.id>"])]
async fn save(ret: User) -> Result<User, String> {
    Ok(ret)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
