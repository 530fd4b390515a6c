use larder::cached;

#[cached(ttl = 0, key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
    drop(get_user::key(1));
    drop(get_user::invalidate(1));
    drop(get_user::put(1, 2));
}
