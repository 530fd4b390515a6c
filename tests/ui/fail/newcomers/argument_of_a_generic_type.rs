use larder::cached;

#[cached(key = "users:<id>")]
async fn get_user<I: ToString>(id: I) -> String {
    id.to_string()
}

fn main() {
    drop(get_user(1));
}
