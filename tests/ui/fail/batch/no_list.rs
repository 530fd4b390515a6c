use std::collections::HashMap;

use larder::cached;

#[cached(batch = id)]
async fn users(id: u64) -> HashMap<u64, String> {
    HashMap::from([(id, String::new())])
}

fn main() {}
