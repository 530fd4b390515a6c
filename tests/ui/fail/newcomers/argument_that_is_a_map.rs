use larder::cached;

use std::collections::HashMap;

#[cached]
async fn search(filter: HashMap<String, String>) -> usize {
    filter.len()
}

fn main() {
    drop(search(HashMap::new()));
}
