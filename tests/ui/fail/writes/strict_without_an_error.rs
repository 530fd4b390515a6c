use larder::invalidate_cache;

#[invalidate_cache(prefix = "users", strict)]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {}
