use larder::cached;

#[cached(key = "users:<id>", skip(names))]
async fn get_user(id: u64, names: &[String]) -> Option<&str> {
    names.get(id as usize).map(String::as_str)
}

fn main() {
    drop(get_user(1, &[]));
}
