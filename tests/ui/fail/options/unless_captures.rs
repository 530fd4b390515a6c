use larder::cached;

#[cached(key = "users:<id>", unless = |user| { let twice = 2 * id; *user == twice })]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
