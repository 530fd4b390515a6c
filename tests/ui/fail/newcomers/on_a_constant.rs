use larder::cached;

#[cached(ttl = 60)]
const USERS: u64 = 1;

fn main() {
    assert_eq!(USERS, 1);
}
