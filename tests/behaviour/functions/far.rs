//! Plain functions in a cache with a far tier: they never ask it, and what they invalidate it is
//! told before they return, wherever somebody is there to tell it.

use std::{sync::Arc, thread, time::Duration};

use larder::{Cache, Clock, Moka, cached, invalidate_cache, testkit::MemoryFar};

use super::Shop;

/// Longer than a busy machine lets anybody wait by chance.
const BUDGET: Duration = Duration::from_secs(5);

/// Two processes that share a far tier; the second has no near tier, so that it sees what is there.
fn processes() -> (Shop, Cache, MemoryFar) {
    let far = MemoryFar::new(Clock::system());
    let builder = || {
        let builder = Cache::builder().far(far.clone()).jitter(0.0);
        builder.outage_budget(BUDGET)
    };
    let here = builder().near(Moka::default()).build().unwrap();
    // The feed begins with the first call, and what was loaded before that is not kept.
    plain(&here, 0, 0);
    let shop = Shop {
        cache: here,
        ..Shop::new("north")
    };
    (shop, builder().build().unwrap(), far)
}

#[cached(key = "rows:<id>", cache = cache, skip(cache, version))]
async fn read(cache: &Cache, id: u64, version: u64) -> u64 {
    version
}

#[invalidate_cache(keys = ["rows:<id>"], cache = cache)]
fn write(cache: &Cache, id: u64) {}

#[invalidate_cache(prefix = "rows", cache = cache)]
fn write_to_all(cache: &Cache) -> Result<(), String> {
    Ok(())
}

/// Whether the far tier holds anything of this key; it can be asked without waiting.
fn holds(far: &MemoryFar, key: &str) -> bool {
    far.list().iter().any(|name| name.contains(key))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_write_in_a_runtime_of_many_threads_is_known_everywhere_when_it_returns() {
    let (shop, elsewhere, far) = processes();
    for version in 1..50 {
        assert_eq!(read(&elsewhere, 1, version).await, version);
        assert_eq!(read(&shop.cache, 1, 0).await, version, "it is shared");
        assert!(holds(&far, "rows:1"));
        let (cache, far) = (shop.cache.clone(), far.clone());
        // On a worker, which is held up meanwhile.
        let written = tokio::spawn(async move {
            write(&cache, 1);
            assert!(!holds(&far, "rows:1"), "it returned too early");
        });
        written.await.unwrap();
    }
    assert_eq!(read(&elsewhere, 1, 99).await, 99);
    assert_eq!(
        shop.cache.stats().retries,
        0,
        "nothing was left to the background"
    );
}

#[tokio::test]
async fn a_plain_write_outside_of_the_runtime_is_known_everywhere_when_it_returns() {
    let (shop, elsewhere, far) = processes();
    assert_eq!(read(&elsewhere, 1, 1).await, 1);
    // Whoever has used the far tier lends its runtime to threads without one.
    assert_eq!(read(&shop.cache, 1, 0).await, 1);
    let (sender, written) = tokio::sync::oneshot::channel();
    let cache = shop.cache.clone();
    let thread = thread::spawn(move || {
        write(&cache, 1);
        write_to_all(&cache).unwrap();
        sender.send(holds(&far, "rows:1")).unwrap();
    });
    assert!(!written.await.unwrap(), "it returned too early");
    assert_eq!(read(&elsewhere, 1, 2).await, 2);
    assert_eq!(shop.cache.stats().retries, 0);
    thread.join().unwrap();
}

#[tokio::test]
async fn a_plain_write_on_the_only_thread_holds_here_at_once_and_elsewhere_soon() {
    let (shop, elsewhere, _) = processes();
    assert_eq!(read(&elsewhere, 1, 1).await, 1);
    assert_eq!(read(&shop.cache, 1, 0).await, 1);
    let start = std::time::Instant::now();
    write(&shop.cache, 1);
    assert!(start.elapsed() < BUDGET, "it waited for somebody");
    assert_eq!(
        read(&shop.cache, 1, 2).await,
        2,
        "what is far is not believed here"
    );
    let told = async {
        while shop.cache.stats().retries > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), told)
        .await
        .expect("nobody told it");
    assert_ne!(read(&elsewhere, 1, 3).await, 1);
}

#[test]
fn a_plain_write_without_any_runtime_holds_here_at_once() {
    let (shop, ..) = processes();
    #[cached(key = "rows:<id>", cache = shop.cache, skip(shop))]
    fn plain(shop: &Shop, id: u64) -> u64 {
        shop.run()
    }
    assert_eq!((plain(&shop, 1), plain(&shop, 1)), (1, 1));
    write(&shop.cache, 1);
    assert_eq!((plain(&shop, 1), plain(&shop, 1)), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_write_returns_within_the_outage_budget_when_the_far_tier_is_down() {
    let (shop, elsewhere, far) = processes();
    assert_eq!(read(&elsewhere, 1, 1).await, 1);
    assert_eq!(read(&shop.cache, 1, 0).await, 1);
    far.set_reachable(false);
    let cache = shop.cache.clone();
    let start = std::time::Instant::now();
    tokio::spawn(async move { write(&cache, 1) }).await.unwrap();
    assert!(start.elapsed() < BUDGET, "took {:?}", start.elapsed());
    assert_eq!(read(&shop.cache, 1, 2).await, 2);
    far.set_reachable(true);
    assert_ne!(read(&shop.cache, 1, 3).await, 1);
}

/// Kept in this process only: its type has no serde.
#[derive(Debug, Clone, PartialEq)]
struct NoSerde(u64);

#[tokio::test]
async fn a_plain_function_does_not_ask_the_far_tier() {
    #[cached(key = "plain:<id>", cache = shop.cache, skip(shop))]
    fn plain(shop: &Shop, id: u64) -> Arc<NoSerde> {
        Arc::new(NoSerde(shop.run() * 1_000 + id))
    }
    let (shop, _, far) = processes();
    assert_eq!(plain(&shop, 1), plain(&shop, 1));
    assert_eq!(shop.runs(), 1);
    assert_eq!(far.list(), Vec::<String>::new());
    let (only_far, ..) = processes();
    let cache = Cache::builder().far(far.clone()).build().unwrap();
    let only_far = Shop { cache, ..only_far };
    assert_ne!(
        plain(&only_far, 1),
        plain(&only_far, 1),
        "without a near tier it is not cached"
    );
    assert_eq!(far.list(), Vec::<String>::new());
}

#[cached(key = "near:<id>", cache = cache, skip(cache, version))]
fn plain(cache: &Cache, id: u64, version: u64) -> u64 {
    version
}

#[cached(key = "near:<id>", local, cache = cache, skip(cache, version))]
async fn local(cache: &Cache, id: u64, version: u64) -> u64 {
    version
}

#[cached(key = "near:<id>", cache = cache, skip(cache, version))]
async fn unwritable(cache: &Cache, id: u64, version: u64) -> NoSerde {
    NoSerde(version)
}

#[tokio::test]
async fn functions_that_stay_near_listen_to_what_others_invalidate() {
    for function in ["plain", "local", "unwritable"] {
        let (_, elsewhere, far) = processes();
        let builder = Cache::builder().far(far).near(Moka::default());
        let cache = &builder.build().unwrap();
        let call = async |version| match function {
            "plain" => plain(cache, 1, version),
            "local" => local(cache, 1, version).await,
            _ => unwritable(cache, 1, version).await.0,
        };
        call(1).await;
        assert!(cache.stats().feed_alive, "{function} does not listen");
        assert_eq!(call(2).await, call(3).await, "{function}");
        elsewhere.remove("near:1").await.unwrap();
        assert_eq!(call(4).await, 4, "{function}");
    }
}

#[cached(key = "held:<id>", local, cache = cache, skip(cache, source))]
async fn held(cache: Cache, source: crate::world::Source, id: u64) -> u64 {
    source.load().await
}

#[tokio::test]
async fn without_a_near_tier_a_local_function_shares_no_load_from_before_another_process_wrote() {
    let far = MemoryFar::new(Clock::system());
    let [here, elsewhere] = [(); 2].map(|()| Cache::builder().far(far.clone()).build().unwrap());
    let source = crate::world::Source::closed();
    let first = tokio::spawn(held(here.clone(), source.clone(), 1));
    source.begun().await;
    source.commit();
    elsewhere.remove("held:1").await.unwrap();
    let second = tokio::spawn(held(here.clone(), source.clone(), 1));
    tokio::task::yield_now().await;
    source.let_one();
    assert_eq!(first.await.unwrap(), 1);
    source.let_one();
    assert_eq!(second.await.unwrap(), 2);
}
