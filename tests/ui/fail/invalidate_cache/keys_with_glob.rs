use larder::invalidate_cache;

#[invalidate_cache(keys = ["users:<id>", "users:by_id:*"])]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {
    drop(rename(1));
}
