use larder::cached;

#[cached(key = "users:<id>")]
async fn get_users(id: u64) -> impl Iterator<Item = u64> {
    0..id
}

fn main() {
    drop(get_users(1));
}
