use larder::cache_put;

struct User {
    id: u64,
}

#[cache_put(key = "users:<ret.id>")]
async fn save(user: User) -> Result<User, String> {
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
