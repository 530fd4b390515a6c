use larder::cache_put;

#[cache_put(cacheNames = "users", key = "#id", condition = "#id > 1")]
async fn rename(id: u64, name: String) -> Result<String, String> {
    drop(id);
    Ok(name)
}

fn main() {
    drop(rename(1, String::new()));
}
