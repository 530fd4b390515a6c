use larder::cached;

#[cached(key = "users:<id>")]
fn get_user(id: u64) -> Result<u64, Box<dyn std::error::Error>> {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
