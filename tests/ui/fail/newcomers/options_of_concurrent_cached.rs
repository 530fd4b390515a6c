use larder::cached;

#[cached(map_error = |error| Error::from(error), redis = true, cache_prefix_block = { "users" }, refresh = true)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
