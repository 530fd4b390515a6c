use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "users:<id>")]
async fn save(id: u64) -> Result<(), String> {
    drop(id);
    Ok(())
}

fn main() {
    let _ = save(1);
}
