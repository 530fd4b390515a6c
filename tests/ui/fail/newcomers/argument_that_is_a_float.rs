use larder::cached;

#[cached]
async fn near_by(x: f64) -> u64 {
    x as u64
}

fn main() {
    drop(near_by(1.0));
}
