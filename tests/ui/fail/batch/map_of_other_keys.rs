use std::collections::HashMap;

use larder::cached;

#[cached(batch = ids)]
async fn users(ids: &[u64]) -> HashMap<u32, String> {
    ids.iter().map(|id| (*id as u32, String::new())).collect()
}

fn main() {}
