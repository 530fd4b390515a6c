use larder::cached;

#[cached(ttl = 60)]
const fn get_user(id: u64) -> u64 {
    id
}

fn main() {
    get_user(1);
}
