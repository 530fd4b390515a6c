use larder::cached;

#[cached(key = "users:<id>", ttl_from = "1m")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
