use larder::cached;

#[cached(ttl_secs = 60, max_size = 100, ty = "LruCache<u64, u64>", create = { LruCache::new(100) }, cache_err = true, in_impl = true)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
