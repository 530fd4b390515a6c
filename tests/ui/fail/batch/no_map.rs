use larder::cached;

#[cached(batch = ids)]
async fn users(ids: &[u64]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn main() {}
