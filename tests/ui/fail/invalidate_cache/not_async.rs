use larder::invalidate_cache;

#[invalidate_cache(prefix = "users")]
fn rename(id: u64) -> u64 {
    id
}

fn main() {
    rename(1);
}
