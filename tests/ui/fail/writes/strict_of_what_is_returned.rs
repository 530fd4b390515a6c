use larder::invalidate_cache;

struct User {
    id: u64,
}

#[invalidate_cache(keys = "users:<ret.id>", strict)]
async fn create(name: String) -> Result<User, larder::Error> {
    Ok(User { id: name.len() as u64 })
}

fn main() {}
