use larder::cached;

#[cached(key = "users:<usr>")]
async fn get_user(user: u64, page: u32) -> u64 {
    user + u64::from(page)
}

fn main() {
    let _ = get_user(1, 1);
}
