use larder::{cache_put, invalidate_cache};

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "users:<usr.id>")]
#[invalidate_cache(prefix = "users:<uid>")]
async fn save(user: User) -> Result<User, String> {
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
