use larder::invalidate_cache;

#[invalidate_cache(all, prefix = "users")]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {
    drop(rename(1));
}
