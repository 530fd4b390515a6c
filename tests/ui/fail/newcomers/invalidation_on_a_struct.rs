use larder::invalidate_cache;

#[invalidate_cache(prefix = "users")]
struct User;

fn main() {
    drop(User);
}
