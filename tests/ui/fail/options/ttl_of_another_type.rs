use larder::cached;

const TTL: u64 = 600;

#[cached(ttl = TTL, key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
