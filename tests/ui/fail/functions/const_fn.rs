use larder::cached;

#[cached(key = "users:<id>")]
const fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    get_user(1);
}
