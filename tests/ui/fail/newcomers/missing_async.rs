use larder::cached;

#[cached(key = "users:<id>")]
fn get_user(id: u64) -> u64 {
    load(id).await
}

async fn load(id: u64) -> u64 {
    id
}

fn main() {
    get_user(1);
}
