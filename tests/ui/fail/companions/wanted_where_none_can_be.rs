use larder::cached;

#[cached(companion = true)]
async unsafe fn dangerous(id: u64) -> u64 {
    id
}

#[cached(companion = true)]
async fn conditional(id: u64, #[cfg(all())] more: u64) -> u64 {
    id + more
}

fn main() {
    drop(conditional(1, 2));
}
