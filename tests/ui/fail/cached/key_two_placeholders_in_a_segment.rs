use larder::cached;

#[cached(key = "users:<a>-<b>")]
async fn get_user(a: u64, b: u64) -> u64 {
    a + b
}

fn main() {
    let _ = get_user(1, 1);
}
