use larder::invalidate_cache;

#[invalidate_cache(prefix = "users", strict)]
fn rename(id: u64) -> Result<u64, larder::Error> {
    Ok(id)
}

fn main() {}
