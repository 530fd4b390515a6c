use larder::cached;

#[cached(key = "users:<id>", err_ttl = 0)]
async fn get_user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
