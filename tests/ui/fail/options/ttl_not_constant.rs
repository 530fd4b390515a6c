use larder::cached;

fn ttl() -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

#[cached(ttl = ttl(), key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
