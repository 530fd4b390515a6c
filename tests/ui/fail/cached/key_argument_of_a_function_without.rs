use larder::cached;

#[cached(key = "users:<id>")]
async fn all() -> u64 {
    1
}

fn main() {
    drop(all());
}
