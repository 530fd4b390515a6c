use larder::cached;

#[cached(companion)]
async fn flag(id: u64) -> u64 {
    id
}

#[cached(companion = "no")]
async fn text(id: u64) -> u64 {
    id
}

fn main() {
    drop((flag(1), text(1)));
}
