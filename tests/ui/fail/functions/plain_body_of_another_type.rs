use larder::{cached, invalidate_cache};

#[cached(key = "users:<id>")]
fn get_user(id: u64) -> Result<String, std::fmt::Error> {
    Ok(id)
}

#[invalidate_cache(prefix = "users")]
fn rename(name: &str) -> Option<String> {
    name.to_owned()
}

fn main() {
    drop((get_user(1), rename("")));
}
