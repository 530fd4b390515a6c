use larder::cached;

#[cached(ttl = "Duration::from_secs(60)", key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
