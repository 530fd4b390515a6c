use larder::cached;

#[cached[ttl = 0]]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
