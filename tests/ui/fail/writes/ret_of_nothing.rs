use larder::invalidate_cache;

#[invalidate_cache(keys = ["users:<ret.id>"])]
async fn delete(id: u64) -> Result<(), String> {
    drop(id);
    Ok(())
}

fn main() {
    let _ = delete(1);
}
