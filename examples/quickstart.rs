//! A slow function, cached: `cargo run --example quickstart`. It needs no server.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use larder::{cached, default_cache, invalidate_cache};

/// What stands in for a database: one table, 200 ms for each query, and a count of them.
static USERS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static QUERIES: AtomicU32 = AtomicU32::new(0);

/// There is no such user.
#[derive(Debug, Clone)]
struct NotFound;

async fn query<T>(run: impl FnOnce(&mut Vec<String>) -> T) -> T {
    tokio::time::sleep(Duration::from_millis(200)).await;
    QUERIES.fetch_add(1, Ordering::Relaxed);
    run(&mut USERS.lock().expect("no query panics"))
}

#[cached(ttl = 600, key = "users:<id>")]
async fn get_user(id: usize) -> Result<String, NotFound> {
    query(|users| users.get(id).cloned().ok_or(NotFound)).await
}

#[invalidate_cache(keys = ["users:<id>"])]
async fn rename_user(id: usize, name: String) -> Result<(), NotFound> {
    query(|users| users.get_mut(id).map(|user| *user = name).ok_or(NotFound)).await
}

/// Prints what `call` returned, how long it took, and how many queries it made.
async fn show<T: std::fmt::Debug>(what: &str, call: impl Future<Output = T>) {
    let (start, before) = (Instant::now(), QUERIES.load(Ordering::Relaxed));
    let output = format!("{:?}", call.await);
    let (took, queries) = (start.elapsed(), QUERIES.load(Ordering::Relaxed) - before);
    println!("{what:<30} {output:<20} {took:>12.3?}  {queries} queries");
}

#[tokio::main]
async fn main() {
    query(|users| users.push("Ada".to_owned())).await;

    show("the first call", get_user(0)).await;
    show("the second call", get_user(0)).await;
    show("a write", rename_user(0, "Ada Lovelace".to_owned())).await;
    show("the first call after it", get_user(0)).await;
    show("the second call after it", get_user(0)).await;

    // An error is the caller's, and is not kept.
    show("nobody", get_user(1)).await;

    let cache = default_cache();
    show("an invalidation by hand", cache.remove_prefix("users")).await;
    let crowd = async {
        let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(get_user(0))).collect();
        let mut answers = 0;
        for call in calls {
            answers += usize::from(matches!(call.await, Ok(Ok(_))));
        }
        answers
    };
    show("1,000 callers at once", crowd).await;

    println!("\n{:#?}", cache.stats().total);
}
