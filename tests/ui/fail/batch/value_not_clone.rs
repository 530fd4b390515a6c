use std::collections::HashMap;

use larder::cached;

struct User;

#[cached(batch = ids)]
async fn users(ids: &[u64]) -> HashMap<u64, User> {
    ids.iter().map(|id| (*id, User)).collect()
}

fn main() {}
