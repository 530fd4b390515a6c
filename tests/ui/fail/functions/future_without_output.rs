use std::{future::Future, pin::Pin};

use larder::{cached, invalidate_cache};

#[cached(key = "users:<id>")]
fn get_user(id: u64) -> impl Future + Send {
    async move { id }
}

#[invalidate_cache(all)]
fn forget() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async {})
}

fn main() {
    drop((get_user(1), forget()));
}
