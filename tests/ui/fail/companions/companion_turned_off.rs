use larder::cached;

#[cached(companion = false)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
    drop(get_user::invalidate(1));
}
