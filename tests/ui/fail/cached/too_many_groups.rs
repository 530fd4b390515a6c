use larder::cached;

#[cached(key = "a:b:c:d:e:f:g:h:<id>", tags = ["1", "2", "3", "4", "5", "6", "7", "8"])]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
