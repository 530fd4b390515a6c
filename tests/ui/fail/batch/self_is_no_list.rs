use std::collections::HashMap;

use larder::cached;

struct Users;

impl Users {
    #[cached(batch = self, key = "users:<ids>")]
    async fn users(&self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }
}

fn main() {}
