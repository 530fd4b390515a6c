use larder::cached;

mod users {
    pub fn all() {}
}

#[cached]
async fn users(id: u64) -> u64 {
    id
}

fn main() {
    users::all();
    drop(users(1));
}
