use larder::invalidate_cache;

#[invalidate_cache(prefix = "users", when = always, strict)]
async fn rename(id: u64) -> Result<u64, larder::Error> {
    Ok(id)
}

fn main() {}
