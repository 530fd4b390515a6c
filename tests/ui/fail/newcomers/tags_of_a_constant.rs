use larder::cached;

#[cached(key = "users:<id>", tags = TAGS)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
