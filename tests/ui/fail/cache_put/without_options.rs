use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put]
async fn save(user: User) -> Result<User, String> {
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
