use std::{collections::HashMap, sync::Arc};

use larder::cached;

struct Users;

impl Users {
    #[cached(batch = ids, key = "users:<ids>")]
    async fn consumed(self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }

    #[cached(batch = ids, key = "users:<ids>")]
    async fn changed(&mut self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }

    #[cached(batch = ids, key = "users:<ids>")]
    async fn shared(self: Arc<Self>, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }
}

fn main() {}
