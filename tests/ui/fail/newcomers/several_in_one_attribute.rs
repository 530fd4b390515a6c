use larder::cached;

#[cached(ttl_secs = 60, key = "users:{id}", skip(db), verison = 2, codec = "json", local = true)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
