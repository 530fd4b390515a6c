use std::collections::HashMap;

use larder::cached;

#[cached(batch = "ids")]
async fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
