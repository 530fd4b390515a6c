use larder::invalidate_cache;

#[invalidate_cache(prefx = "users")]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {
    drop(rename(1));
}
