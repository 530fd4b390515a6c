use larder::cached;

#[derive(Debug, Clone)]
struct DbError(std::cell::Cell<u64>);

#[cached(key = "users:<id>", err_ttl = "5s")]
async fn get_user(id: u64) -> Result<u64, DbError> {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
