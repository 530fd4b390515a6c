use larder::cache_put;

#[cache_put(kye = "users:<id>")]
async fn rename(id: u64, name: String) -> Result<String, String> {
    drop(id);
    Ok(name)
}

fn main() {
    drop(rename(1, String::new()));
}
