use larder::{cached, invalidate_cache};

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

#[invalidate_cache(of = [get_user(ret)], when = before)]
async fn save(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {
    drop((get_user(1), save(1)));
}
