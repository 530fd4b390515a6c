use larder::cached;

#[cached(time = 60, size = 100, convert = { format!("{id}") }, result = true, sync_writes = "by_key", name = "USERS")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
