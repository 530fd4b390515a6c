use larder::cached;

#[cached(none_ttl = "0s", key = "users:<id>")]
async fn get_user(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {
    drop(get_user(1));
}
