use larder::invalidate_cache;

#[derive(Debug)]
struct DbError;

#[invalidate_cache(prefix = "users", strict)]
async fn rename(id: u64) -> Result<u64, DbError> {
    Ok(id)
}

fn main() {}
