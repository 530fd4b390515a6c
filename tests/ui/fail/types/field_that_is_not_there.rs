use larder::cached;

struct User {
    id: u64,
}

#[cached(key = "users:<user.di>")]
async fn get_user(user: User) -> u64 {
    user.id
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = get_user(any());
}
