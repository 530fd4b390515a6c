use larder::invalidate_cache;

#[invalidate_cache(prefix = "")]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {
    drop(rename(1));
}
