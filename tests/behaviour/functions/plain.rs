//! Plain functions: they wait for each other on threads, and keep all promises of the near tier.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use larder::{Cache, Moka, cached, invalidate_cache};

use super::Shop;

/// A door that bodies wait at, and that a test opens.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    waiting: u64,
    open: bool,
}

impl Door {
    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.waiting += 1;
        changed.notify_all();
        drop(changed.wait_while(state, |state| !state.open).unwrap());
    }

    fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().open = true;
        changed.notify_all();
    }

    /// Waits until so many bodies have come to the door.
    fn come(&self, many: u64) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        drop(
            changed
                .wait_while(state, |state| state.waiting < many)
                .unwrap(),
        );
    }
}

#[cached(key = "slow:<id>", cache = shop.cache, skip(shop, door))]
fn slow(shop: &Shop, door: &Door, id: u64) -> u64 {
    let run = shop.run();
    if run == 1 {
        door.pass();
    }
    run * 1_000 + id
}

#[test]
fn threads_that_ask_for_one_key_load_once_and_all_get_the_value() {
    let (shop, door) = (Shop::new("north"), Door::default());
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (shop, door) = (shop.clone(), door.clone());
            thread::spawn(move || slow(&shop, &door, 7))
        })
        .collect();
    door.come(1);
    door.open();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), 1_007);
    }
    assert_eq!((shop.runs(), shop.cache.stats().flights), (1, 0));
}

#[test]
fn a_hit_and_another_key_wait_for_no_load() {
    let (shop, door) = (Shop::new("north"), Door::default());
    let held = {
        let (shop, door) = (shop.clone(), door.clone());
        thread::spawn(move || slow(&shop, &door, 1))
    };
    door.come(1);
    assert_eq!(slow(&shop, &door, 2), 2_002);
    assert_eq!(slow(&shop, &door, 2), 2_002);
    door.open();
    assert_eq!(held.join().unwrap(), 1_001);
}

#[test]
fn a_thread_that_waited_long_enough_loads_alone_and_stores_nothing() {
    let wait = Duration::from_millis(50);
    let cache = Cache::builder()
        .near(Moka::default())
        .wait(wait)
        .build()
        .unwrap();
    let (shop, door) = (
        Shop {
            cache,
            ..Shop::new("north")
        },
        Door::default(),
    );
    let held = {
        let (shop, door) = (shop.clone(), door.clone());
        thread::spawn(move || slow(&shop, &door, 7))
    };
    door.come(1);
    let start = Instant::now();
    assert_eq!(slow(&shop, &door, 7), 2_007);
    assert!(start.elapsed() >= wait);
    assert_eq!(
        slow(&shop, &door, 7),
        3_007,
        "the second had no right to store"
    );
    door.open();
    assert_eq!(held.join().unwrap(), 1_007);
    assert_eq!(slow(&shop, &door, 7), 1_007);
}

#[cached(key = "panics:<id>", cache = shop.cache, skip(shop, until))]
fn panicking(shop: &Shop, id: u64, until: u64) -> u64 {
    let run = shop.run();
    assert!(run > until, "run {run} panics");
    run * 1_000 + id
}

#[test]
fn a_panic_reaches_its_caller_and_leaves_the_key_usable() {
    let shop = Shop::new("north");
    catch_unwind(AssertUnwindSafe(|| panicking(&shop, 7, 1))).unwrap_err();
    assert_eq!(shop.cache.stats().flights, 0);
    assert_eq!(panicking(&shop, 7, 1), 2_007);
}

#[test]
fn a_panic_reaches_its_own_caller_only_while_others_wait() {
    let shop = Shop::new("north");
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let shop = shop.clone();
            thread::spawn(move || panicking(&shop, 7, 1))
        })
        .collect();
    let ended: Vec<_> = callers.into_iter().map(thread::JoinHandle::join).collect();
    assert_eq!(ended.iter().filter(|ended| ended.is_err()).count(), 1);
    assert!(ended.into_iter().flatten().all(|value| value == 2_007));
    assert_eq!((shop.runs(), shop.cache.stats().flights), (2, 0));
}

#[cached(key = "both:<id>", cache = shop.cache, skip(shop))]
fn plain_half(shop: &Shop, id: u64) -> u64 {
    shop.run() * 1_000 + id
}

#[cached(key = "both:<id>", cache = shop.cache, skip(shop))]
async fn async_half(shop: &Shop, id: u64) -> u64 {
    shop.run() * 1_000 + id
}

#[tokio::test]
async fn a_plain_and_an_async_function_of_one_key_share_it() {
    let shop = Shop::new("north");
    let value = plain_half(&shop, 1);
    assert_eq!(async_half(&shop, 1).await, value);
    assert_eq!(async_half(&shop, 2).await, plain_half(&shop, 2));
    assert_eq!(shop.runs(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_waits_for_a_thread_and_a_thread_for_a_task() {
    #[cached(key = "mixed:<id>", cache = shop.cache, skip(shop, door))]
    fn by_thread(shop: &Shop, door: &Door, id: u64) -> u64 {
        door.pass();
        shop.run() * 1_000 + id
    }
    #[cached(key = "mixed:<id>", cache = shop.cache, skip(shop, gate))]
    async fn by_task(shop: &Shop, gate: &tokio::sync::Semaphore, id: u64) -> u64 {
        gate.acquire().await.unwrap().forget();
        shop.run() * 1_000 + id
    }
    let (shop, door) = (Shop::new("north"), Door::default());
    let gate = Arc::new(tokio::sync::Semaphore::new(0));

    let thread = thread::spawn({
        let (shop, door) = (shop.clone(), door.clone());
        move || by_thread(&shop, &door, 1)
    });
    door.come(1);
    let mut task = Box::pin(by_task(&shop, &gate, 1));
    tokio::select! {
        biased;
        _ = &mut task => unreachable!("the thread is at the door"),
        () = tokio::task::yield_now() => {}
    }
    door.open();
    assert_eq!((task.await, thread.join().unwrap()), (1_001, 1_001));

    let mut task = Box::pin(by_task(&shop, &gate, 2));
    tokio::select! {
        biased;
        _ = &mut task => unreachable!("the gate is closed"),
        () = tokio::task::yield_now() => {}
    }
    let thread = thread::spawn({
        let (shop, door) = (shop.clone(), door.clone());
        move || by_thread(&shop, &door, 2)
    });
    gate.add_permits(1);
    assert_eq!((task.await, thread.join().unwrap()), (2_002, 2_002));
    assert_eq!(shop.runs(), 2);
}

#[tokio::test]
async fn a_thread_of_a_runtime_that_waits_for_a_task_of_it_is_not_stuck() {
    #[cached(key = "stuck", cache = shop.cache, skip(shop))]
    async fn by_task(shop: &Shop) -> u64 {
        shop.run();
        std::future::pending().await
    }
    #[cached(key = "stuck", cache = shop.cache, skip(shop))]
    fn by_thread(shop: &Shop) -> u64 {
        shop.run()
    }
    let wait = Duration::from_millis(50);
    let cache = Cache::builder()
        .near(Moka::default())
        .wait(wait)
        .build()
        .unwrap();
    let shop = Shop {
        cache,
        ..Shop::new("north")
    };
    let mut task = Box::pin(by_task(&shop));
    tokio::select! {
        biased;
        _ = &mut task => unreachable!("it never ends"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(
        by_thread(&shop),
        2,
        "the task cannot go on while its thread waits"
    );
    drop(task);
    assert_eq!(by_thread(&shop), 3);
    assert_eq!(by_thread(&shop), 3);
}

/// No serde, not even `Debug`; and the body holds what no other thread may see.
#[derive(Clone, PartialEq)]
struct Opaque(u64);

#[cached(cache = shop.cache, skip(shop, count))]
fn of_this_thread(shop: &Shop, count: &Rc<Cell<u64>>, id: u64) -> Option<Opaque> {
    shop.run();
    count.set(count.get() + 1);
    (id > 0).then(|| Opaque(count.get() * 1_000 + id))
}

#[test]
fn what_a_plain_function_is_given_need_not_cross_threads() {
    let (shop, count) = (Shop::new("north"), Rc::default());
    assert!(of_this_thread(&shop, &count, 1) == Some(Opaque(1_001)));
    assert!(of_this_thread(&shop, &count, 1) == Some(Opaque(1_001)));
    assert!(of_this_thread(&shop, &count, 0).is_none());
    assert!(of_this_thread(&shop, &count, 0).is_none());
    assert_eq!(shop.runs(), 3, "`None` is not kept");
}

#[invalidate_cache(prefix = "both", cache = shop.cache)]
fn write(shop: &Shop, ok: bool) -> Result<u64, String> {
    ok.then(|| shop.run()).ok_or_else(|| "no".to_owned())
}

#[invalidate_cache(keys = ["both:<id>"], when = before, cache = shop.cache)]
fn write_and_panic(shop: &Shop, id: u64) {
    panic!("{} {id}", shop.name);
}

#[invalidate_cache(keys = ["both:<id>"], cache = shop.cache)]
fn panic_and_write(shop: &Shop, id: u64) {
    panic!("{} {id}", shop.name);
}

#[test]
fn a_plain_write_invalidates_at_once_unless_it_failed() {
    let shop = Shop::new("north");
    let before = plain_half(&shop, 1);
    write(&shop, false).unwrap_err();
    assert_eq!(plain_half(&shop, 1), before);
    write(&shop, true).unwrap();
    let after = plain_half(&shop, 1);
    assert_ne!(after, before);
    for panicking in [write_and_panic, panic_and_write] {
        let before = plain_half(&shop, 1);
        catch_unwind(AssertUnwindSafe(|| panicking(&shop, 1))).unwrap_err();
        assert_ne!(plain_half(&shop, 1), before, "its write may have happened");
    }
}

#[test]
fn a_plain_load_that_an_invalidation_overtakes_is_not_kept() {
    let (shop, door) = (Shop::new("north"), Door::default());
    let held = {
        let (shop, door) = (shop.clone(), door.clone());
        thread::spawn(move || slow(&shop, &door, 7))
    };
    door.come(1);
    #[invalidate_cache(prefix = "slow", cache = shop.cache)]
    fn forget(shop: &Shop) {}
    forget(&shop);
    assert_eq!(slow(&shop, &door, 7), 2_007, "it began before");
    door.open();
    assert_eq!(held.join().unwrap(), 1_007);
    assert_eq!(slow(&shop, &door, 7), 2_007);
}
