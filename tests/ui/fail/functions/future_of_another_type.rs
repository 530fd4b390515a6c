use std::{future::Future, pin::Pin};

use larder::cached;

#[cached(key = "users:<id>")]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async move { id })
}

#[cached(key = "users:<id>:opaque")]
fn opaque(id: u64) -> impl Future<Output = String> {
    async move { id }
}

fn main() {
    drop((boxed(1), opaque(1)));
}
