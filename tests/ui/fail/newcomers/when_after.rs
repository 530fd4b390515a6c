use larder::invalidate_cache;

#[invalidate_cache(prefix = "users", when = after)]
async fn rename(id: u64, name: &str) -> Result<(), String> {
    drop((id, name));
    Ok(())
}

fn main() {
    drop(rename(1, "Ada"));
}
