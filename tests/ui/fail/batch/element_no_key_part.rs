use std::collections::HashMap;

use larder::cached;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(u64);

#[cached(batch = ids)]
async fn users(ids: &[Id]) -> HashMap<Id, String> {
    ids.iter().map(|id| (id.clone(), String::new())).collect()
}

fn main() {}
