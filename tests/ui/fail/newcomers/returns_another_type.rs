use larder::cached;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> Result<String, String> {
    id.to_string()
}

fn main() {
    drop(get_user(1));
}
