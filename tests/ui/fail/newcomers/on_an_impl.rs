use larder::cached;

struct Users;

#[cached(ttl = 60)]
impl Users {
    async fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    drop(Users.get(1));
}
