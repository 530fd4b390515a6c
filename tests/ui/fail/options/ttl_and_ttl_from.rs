use larder::cached;

#[cached(ttl = "1m", key = "users:<id>", ttl_from = |_| std::time::Duration::from_secs(60))]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
