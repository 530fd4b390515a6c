use larder::cached;

#[cached(time_to_live = 60, time_to_idle = 30, max_capacity = 100)]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
