use std::collections::HashMap;

use larder::cached;

struct Permit;

#[cached(batch = ids, key = "users:<ids>", skip(permit))]
async fn users(permit: Permit, ids: &[u64]) -> HashMap<u64, String> {
    drop(permit);
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
