use std::{future::Future, pin::Pin};

use larder::invalidate_cache;

type Writing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

#[invalidate_cache(prefix = "users")]
fn rename(name: &str) -> Writing<'_> {
    Box::pin(async move { println!("{name}") })
}

fn main() {
    drop(rename(""));
}
