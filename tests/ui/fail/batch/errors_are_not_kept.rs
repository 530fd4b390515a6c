use std::collections::HashMap;

use larder::cached;

#[cached(batch = ids, err_ttl = 5)]
async fn users(ids: &[u64]) -> Result<HashMap<u64, String>, String> {
    Ok(ids.iter().map(|id| (*id, String::new())).collect())
}

fn main() {}
