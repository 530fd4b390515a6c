use larder::cached;

#[cached(ttl = id, ttl_from = |user| *user == id, err_ttl = "5 s econds", sensitive(ident), key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    drop(get_user(1));
}
