use larder::cached;

#[cached(key = "users:<id>", err_ttl = "5s")]
async fn get_user(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {
    drop(get_user(1));
}
