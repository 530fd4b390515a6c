use larder::cached;

#[cached(shared)]
async fn count(id: u64) -> u64 {
    id
}

fn main() {
    let _ = count(1);
}
