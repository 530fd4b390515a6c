use std::collections::HashMap;

use larder::cached;

#[cached(key = "users:<ids>", batch = "ids")]
async fn get_users(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

fn main() {
    drop(get_users(&[1]));
}
