use larder::cached;

#[cached(tags = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"])]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
