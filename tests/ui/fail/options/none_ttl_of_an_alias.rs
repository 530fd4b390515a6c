use larder::cached;

type Answer = Result<u64, String>;

#[cached(key = "users:<id>", none_ttl = "5s")]
async fn get_user(id: u64) -> Answer {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
