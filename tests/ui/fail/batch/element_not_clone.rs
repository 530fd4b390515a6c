use larder::{KeyPart, cached};

#[derive(PartialEq, Eq, Hash, KeyPart)]
struct Id(u64);

#[cached(batch = ids)]
async fn users(ids: &[Id]) -> Vec<(Id, String)> {
    ids.iter().map(|id| (Id(id.0), String::new())).collect()
}

fn main() {}
