use larder::{cached, invalidate_cache};

#[cached(key = "users:<id>")]
extern "C" fn get_user(id: u64) -> u64 {
    id
}

#[invalidate_cache(all)]
pub extern "system" fn forget() {}

fn main() {
    get_user(1);
    forget();
}
