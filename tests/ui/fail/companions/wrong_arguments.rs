use larder::cached;

#[cached]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    get_user::key("ada");
    drop(get_user::invalidate());
    drop(get_user::peek(1, 2));
    drop(get_user::forget(1));
}
