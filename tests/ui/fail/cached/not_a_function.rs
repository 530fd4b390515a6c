use larder::cached;

#[cached(ttl = 600)]
struct User;

fn main() {
    drop(User);
}
