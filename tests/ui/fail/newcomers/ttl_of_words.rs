use larder::cached;

#[cached(ttl = "10 minutes", key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
