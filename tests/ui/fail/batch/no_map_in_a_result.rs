use larder::cached;

#[cached(batch = ids)]
async fn users(ids: &[u64]) -> Result<Vec<String>, String> {
    Ok(ids.iter().map(ToString::to_string).collect())
}

fn main() {}
