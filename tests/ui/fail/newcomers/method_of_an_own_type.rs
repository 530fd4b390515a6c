use larder::cached;

struct Users;

impl Users {
    #[cached(ttl = 60)]
    async fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    drop(Users.get(1));
}
