use larder::cached;

#[cached(Capacity: 100, TimeToLive: 60)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
