use larder::cached;

#[cached(value = "users", condition = "#id > 10", keyGenerator = "byId", cacheManager = "redis")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
