use larder::cached;

#[cached]
fn squares(below: u64) -> Option<impl Iterator<Item = u64> + Clone> {
    Some((0..below).map(|n| n * n).collect::<Vec<_>>().into_iter())
}

fn main() {
    squares(1);
}
