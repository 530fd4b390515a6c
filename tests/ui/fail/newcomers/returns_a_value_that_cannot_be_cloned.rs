use larder::cached;

struct User;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> Result<User, String> {
    drop(id);
    Ok(User)
}

fn main() {
    drop(get_user(1));
}
