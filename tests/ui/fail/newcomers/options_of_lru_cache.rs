use larder::cached;

#[cached(maxsize = 100, typed = true)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
