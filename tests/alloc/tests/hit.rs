//! What a near hit may cost in memory: nothing of its own, and a small future.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use larder::cached;

/// The system's allocator, which counts for each thread what is asked of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is about to end may still allocate; nobody asks for its count any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator as it came, whose contract is that of
// this one. Counting touches a thread-local that is initialised without allocating.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// A value that is not free to make.
#[derive(Debug)]
struct User {
    id: u64,
    name: String,
}

#[cached(ttl = 600, key = "users:<id>")]
async fn get_user(id: u64) -> Arc<User> {
    let name = format!("user {id}");
    Arc::new(User { id, name })
}

#[cached(ttl = 600, key = "names:<name>")]
async fn get_by_name(name: &str) -> Arc<User> {
    let name = name.to_owned();
    Arc::new(User { id: 0, name })
}

#[tokio::test]
async fn a_load_is_counted() {
    let before = allocations();
    assert_eq!(get_user(1_000_000).await.name, "user 1000000");
    // The value's own two at least: a counter that sees nothing would let everything pass.
    assert!(allocations() - before >= 2);
}

#[tokio::test]
async fn a_hit_allocates_nothing() {
    const KEYS: u64 = 1_000;
    for id in 0..KEYS {
        get_user(id).await;
    }
    let before = allocations();
    for call in 0..200 * KEYS {
        let id = call * 7_919 % KEYS;
        assert_eq!(get_user(id).await.id, id);
    }
    assert_eq!(allocations() - before, 0);
}

#[tokio::test]
async fn a_hit_of_a_key_of_128_bytes_allocates_nothing() {
    let name = "n".repeat(128 - "names:".len());
    get_by_name(&name).await;
    let before = allocations();
    for _ in 0..1_000 {
        assert_eq!(get_by_name(&name).await.id, 0);
    }
    assert_eq!(allocations() - before, 0);
}

#[test]
fn the_future_of_a_cached_function_is_under_128_bytes() {
    let size = size_of_val(&get_user(1));
    assert!(size < 128, "{size} bytes");
}
