use std::time::Duration;

use larder::cached;

struct Users;

impl Users {
    const TTL: Duration = Duration::from_secs(60);

    #[cached(ttl = Self::TTL, key = "users:<id>")]
    async fn get_user(id: u64) -> u64 {
        id
    }
}

fn main() {
    drop(Users::get_user(1));
}
