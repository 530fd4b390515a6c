use std::collections::HashMap;

use larder::cached;

#[cached(batch = ids, skip(ids))]
async fn users(tenant: u8, ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, tenant.to_string())).collect()
}

fn main() {}
