use larder::cached;

#[cached(key = "users:<id>", codec = JSON)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
