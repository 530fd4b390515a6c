use std::collections::HashMap;

use larder::cached;

#[cached(batch = ids)]
async fn users(ids: &mut Vec<u64>) -> HashMap<u64, String> {
    ids.drain(..).map(|id| (id, String::new())).collect()
}

fn main() {}
