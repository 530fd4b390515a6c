use larder::cached;

#[cached]
fn blocks(id: u64) -> u64 {
    id
}

fn main() {
    drop(larder::entry(blocks(1)).invalidate());
}
