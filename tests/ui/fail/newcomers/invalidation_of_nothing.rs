use larder::invalidate_cache;

#[invalidate_cache]
async fn rename(id: u64) {
    drop(id);
}

fn main() {
    drop(rename(1));
}
