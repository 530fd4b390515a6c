use larder::cached;

const TTL: std::time::Duration = std::time::Duration::ZERO;

#[cached(ttl = TTL, key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
