use larder::cached;

#[cached(expires_in = 60, namespace = "users")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
