use larder::cached;

#[cached(ttl = "1m", none_ttl = std::time::Duration::MAX, key = "users:<id>")]
async fn get_user(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {
    drop(get_user(1));
}
