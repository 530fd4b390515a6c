use larder::cached;

#[derive(Clone)]
struct User;

#[cached(key = "users:<id>", codec = larder::codec::MsgPack)]
async fn get_user(id: u64) -> Option<User> {
    (id > 0).then_some(User)
}

fn main() {
    let _ = get_user(1);
}
