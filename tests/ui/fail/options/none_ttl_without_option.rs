use larder::cached;

#[cached(key = "users:<id>", none_ttl = "5s")]
async fn get_user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
