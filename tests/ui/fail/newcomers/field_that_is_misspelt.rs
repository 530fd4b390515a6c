use larder::cached;

struct User {
    id: u64,
}

#[cached(key = "users:<user.ident>")]
async fn posts(user: User) -> u64 {
    user.id
}

fn main() {
    drop(posts(User { id: 1 }));
}
