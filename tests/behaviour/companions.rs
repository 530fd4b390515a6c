//! What can be asked of the entry of a call: by `larder::entry`, and by the companion of a free
//! function.

use std::{
    error::Error,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use larder::{Cache, ErrorKind, cached, entry};
use tokio::task::yield_now;

use crate::world::{Source, near_cache};

type Tested = Result<(), Box<dyn Error>>;

/// Where the functions below look things up: each test has its own.
#[derive(Debug, Clone)]
struct World {
    cache: Cache,
    source: Source,
}

impl World {
    fn open() -> Self {
        Self {
            cache: near_cache(),
            source: Source::open(),
        }
    }

    fn closed() -> Self {
        Self {
            source: Source::closed(),
            ..Self::open()
        }
    }

    #[cached(key = "rows:<id>", cache = self.cache, tags = ["row"], ttl = 60)]
    async fn row(&self, id: u64) -> Result<Option<u64>, String> {
        Ok(Some(self.source.load().await))
    }

    #[cached(key = "owned:<id>", cache = self.cache)]
    async fn owned(self: Arc<Self>, id: u64) -> u64 {
        self.source.load().await
    }

    #[cached(key = "outer:<id>", cache = self.cache)]
    async fn outer(&self, id: u64) -> u64 {
        let inner = self.row(id).await;
        inner.ok().flatten().unwrap_or_default() + 100
    }
}

#[cached(key = "users:<id>", cache = world.cache, skip(world), tags = ["users"], ttl = 60)]
async fn get_user(world: &World, id: u64) -> Result<Option<u64>, String> {
    match id {
        0 => Ok(None),
        1 => Err("no such user".to_owned()),
        _ => Ok(Some(world.source.load().await)),
    }
}

#[tokio::test]
async fn a_companion_tells_the_key_without_running_the_function() -> Tested {
    let world = World::open();
    assert_eq!(get_user::key(&world, 7), "users:7");
    assert_eq!(entry(world.row(7)).key().await?, "rows:7");
    assert_eq!(world.source.loads(), 0);
    assert_eq!(world.cache.stats().total, larder::CallStats::default());
    Ok(())
}

#[tokio::test]
async fn a_peek_finds_what_a_call_would_and_never_loads() -> Tested {
    let world = World::open();
    assert_eq!(get_user::peek(&world, 7).await?, None);
    assert_eq!(world.source.loads(), 0);
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
    assert_eq!(get_user::peek(&world, 7).await?, Some(Ok(Some(1))));
    assert_eq!(entry(world.row(7)).peek().await?, None, "another key");
    assert_eq!(world.source.loads(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_put_is_found_with_the_options_of_the_function() -> Tested {
    let world = World::open();
    get_user::put(&world, 7, 70).await?;
    get_user::put(&world, 8, Some(80)).await?;
    get_user::put(&world, 9, Ok(Some(90))).await?;
    for id in [7, 8, 9] {
        assert_eq!(get_user(&world, id).await, Ok(Some(id * 10)));
    }
    let ttl = world.cache.ttl("users:7").await?.ok_or("it was put")?;
    assert!(ttl <= Duration::from_secs(60), "{ttl:?}");
    world.cache.remove_tag("users").await?;
    assert_eq!(get_user::peek(&world, 7).await?, None, "it had its tag");
    assert_eq!(world.source.loads(), 0);
    Ok(())
}

#[tokio::test]
async fn what_the_function_would_not_keep_empties_the_entry() -> Tested {
    let world = World::open();
    for unkept in [Ok(None), Err("gone".to_owned())] {
        get_user::put(&world, 7, 70).await?;
        get_user::put(&world, 7, unkept).await?;
        assert_eq!(get_user::peek(&world, 7).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn an_invalidated_entry_is_loaded_anew() -> Tested {
    let world = World::open();
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
    assert_eq!(get_user(&world, 8).await, Ok(Some(1)));
    world.source.commit();
    get_user::invalidate(&world, 7).await?;
    assert_eq!(get_user(&world, 7).await, Ok(Some(2)));
    assert_eq!(get_user(&world, 8).await, Ok(Some(1)), "another entry");
    Ok(())
}

#[tokio::test]
async fn a_refresh_loads_although_there_is_a_value_and_keeps_the_new_one() {
    let world = World::open();
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
    world.source.commit();
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
    assert_eq!(get_user::refresh(&world, 7).await, Ok(Some(2)));
    assert_eq!(get_user(&world, 7).await, Ok(Some(2)));
    assert_eq!(world.source.loads(), 2);
}

#[tokio::test]
async fn an_uncached_call_loads_and_touches_nothing() {
    let world = World::open();
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
    let before = world.cache.stats();
    world.source.commit();
    assert_eq!(get_user::uncached(&world, 7).await, Ok(Some(2)));
    assert_eq!(get_user::uncached(&world, 8).await, Ok(Some(2)));
    assert_eq!(world.cache.stats(), before);
    assert_eq!(get_user(&world, 7).await, Ok(Some(1)));
}

#[tokio::test]
async fn a_failed_refresh_leaves_the_old_value() -> Tested {
    let world = World::open();
    get_user::put(&world, 1, 10).await?;
    assert!(get_user::refresh(&world, 1).await.is_err());
    assert_eq!(get_user(&world, 1).await, Ok(Some(10)));
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_finds_nothing_leaves_nothing() -> Tested {
    let world = World::open();
    get_user::put(&world, 0, 10).await?;
    assert_eq!(get_user::refresh(&world, 0).await, Ok(None));
    assert_eq!(get_user::peek(&world, 0).await?, None);
    Ok(())
}

#[tokio::test]
async fn while_a_refresh_loads_others_have_the_old_value() -> Tested {
    let world = World::closed();
    world.source.let_one();
    assert_eq!(world.row(7).await, Ok(Some(1)));
    begun(&world).await;
    world.source.commit();
    let refresh = spawn_refresh(&world);
    begun(&world).await;
    assert_eq!(world.row(7).await, Ok(Some(1)));
    world.source.let_one();
    assert_eq!(refresh.await?, Ok(Some(2)));
    assert_eq!(world.row(7).await, Ok(Some(2)));
    Ok(())
}

/// Waits until one more load has begun, which must come to pass.
async fn begun(world: &World) {
    let begun = tokio::time::timeout(Duration::from_secs(5), world.source.begun());
    begun.await.expect("a load begins");
}

fn spawn_refresh(world: &World) -> tokio::task::JoinHandle<Result<Option<u64>, String>> {
    let world = world.clone();
    tokio::spawn(async move { entry(world.row(7)).refresh().await })
}

#[tokio::test]
async fn a_refresh_stores_nothing_if_the_entry_was_invalidated_meanwhile() -> Tested {
    for how in 0..4 {
        let world = World::closed();
        let refresh = spawn_refresh(&world);
        begun(&world).await;
        let version = world.source.commit();
        match how {
            0 => entry(world.row(7)).invalidate().await?,
            1 => world.cache.remove_tag("row").await?,
            2 => world.cache.remove_prefix("rows").await?,
            _ => entry(world.row(7)).put(version).await?,
        }
        world.source.let_one();
        assert_eq!(refresh.await?, Ok(Some(1)), "its own caller began before");
        world.source.let_one();
        assert_eq!(world.row(7).await, Ok(Some(version)), "way {how}");
    }
    Ok(())
}

#[tokio::test]
async fn a_put_outlives_the_load_that_was_on_its_way() -> Tested {
    let world = World::closed();
    let load = {
        let world = world.clone();
        tokio::spawn(async move { world.row(7).await })
    };
    begun(&world).await;
    entry(world.row(7)).put(70).await?;
    world.source.let_one();
    assert_eq!(load.await?, Ok(Some(1)));
    assert_eq!(world.row(7).await, Ok(Some(70)));
    Ok(())
}

#[tokio::test]
async fn an_older_load_does_not_replace_what_a_refresh_brought() -> Tested {
    let world = World::closed();
    let load = {
        let world = world.clone();
        tokio::spawn(async move { world.row(7).await })
    };
    begun(&world).await;
    world.source.commit();
    let world_of_refresh = World {
        source: Source::open(),
        ..world.clone()
    };
    world_of_refresh.source.commit();
    let refreshed = entry(world_of_refresh.row(7)).refresh().await;
    assert_eq!(refreshed, Ok(Some(2)));
    world.source.let_one();
    assert_eq!(load.await?, Ok(Some(1)));
    assert_eq!(world.row(7).await, Ok(Some(2)));
    Ok(())
}

#[tokio::test]
async fn refreshes_share_only_a_run_that_began_after_they_were_called() -> Tested {
    let world = World::closed();
    let first = spawn_refresh(&world);
    begun(&world).await;
    world.source.commit();
    let others = [(); 5].map(|()| spawn_refresh(&world));
    for _ in 0..10 {
        yield_now().await;
    }
    world.source.let_one();
    assert_eq!(first.await?, Ok(Some(1)));
    begun(&world).await;
    world.source.let_one();
    for other in others {
        assert_eq!(other.await?, Ok(Some(2)));
    }
    assert_eq!(world.source.loads(), 2);
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_is_dropped_leaves_the_others_a_load_of_their_own() -> Tested {
    let world = World::closed();
    let first = spawn_refresh(&world);
    begun(&world).await;
    world.source.commit();
    let second = spawn_refresh(&world);
    yield_now().await;
    first.abort();
    begun(&world).await;
    world.source.let_one();
    assert_eq!(second.await?, Ok(Some(2)));
    Ok(())
}

/// A function whose load can be finished by another caller.
#[cached(key = "kept:<id>", cache = world.cache, skip(world))]
async fn left_behind(world: World, id: u64) -> u64 {
    world.source.load().await
}

#[tokio::test]
async fn a_refresh_takes_over_no_load_that_began_before_it() -> Tested {
    let world = World::closed();
    let first = tokio::spawn(left_behind::refresh(world.clone(), 7));
    begun(&world).await;
    world.source.commit();
    let second = tokio::spawn(left_behind::refresh(world.clone(), 7));
    yield_now().await;
    first.abort();
    begun(&world).await;
    world.source.let_one();
    world.source.let_one();
    assert_eq!(second.await?, 2);
    Ok(())
}

trait Rows: Send + Sync {
    fn boxed(&self, id: u64) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send + '_>>;
}

impl Rows for World {
    fn boxed(&self, id: u64) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(Arc::new(self.clone()).owned(id))
    }
}

trait Named: Sync {
    async fn named(&self, id: u64) -> u64;

    #[cached(key = "default:<id>", local)]
    async fn provided(&self, id: u64) -> u64 {
        id
    }
}

impl Named for World {
    #[cached(key = "named:<id>", cache = self.cache)]
    async fn named(&self, id: u64) -> u64 {
        self.source.load().await
    }
}

#[tokio::test]
async fn every_kind_of_call_has_an_entry() -> Tested {
    let world = World::open();
    let dynamic: &dyn Rows = &world;
    assert_eq!(entry(dynamic.boxed(7)).key().await?, "owned:7");
    assert_eq!(entry(world.named(7)).key().await?, "named:7");
    assert_eq!(entry(world.provided(7)).key().await?, "default:7");
    entry(dynamic.boxed(7)).put(5).await?;
    assert_eq!(dynamic.boxed(7).await, 5);
    let block = async {
        yield_now().await;
        world.named(8).await
    };
    assert_eq!(entry(block).key().await?, "named:8");
    Ok(())
}

trait Number {
    fn number() -> u64;
}

struct Seven;

impl Number for Seven {
    fn number() -> u64 {
        7
    }
}

#[cached(key = "chosen:<id>", cache = cache, skip(cache))]
async fn chosen<S: Number>(cache: &Cache, id: u64) -> u64 {
    S::number() + id
}

#[tokio::test]
async fn a_generic_function_has_a_generic_companion() -> Tested {
    let cache = near_cache();
    chosen::put::<Seven>(&cache, 1, 3).await?;
    assert_eq!(chosen::<Seven>(&cache, 1).await, 3);
    assert_eq!(chosen::uncached::<Seven>(&cache, 1).await, 8);
    Ok(())
}

#[cached(key = "only:<id>", cache = world.cache, if = *id > 10, skip(world))]
async fn only_large(world: &World, id: &u64) -> u64 {
    world.source.load().await
}

#[tokio::test]
async fn a_call_that_a_condition_keeps_from_the_cache_has_a_key_all_the_same() -> Tested {
    let world = World::open();
    assert_eq!(only_large::key(&world, &1), "only:1");
    assert_eq!(only_large::peek(&world, &1).await?, None);
    assert_eq!(only_large::refresh(&world, &1).await, 1);
    assert_eq!(
        only_large::peek(&world, &1).await?,
        None,
        "nothing is stored"
    );
    assert_eq!(only_large::refresh(&world, &11).await, 1);
    assert_eq!(only_large::peek(&world, &11).await?, Some(1));
    Ok(())
}

#[tokio::test]
async fn only_the_outermost_function_is_asked() -> Tested {
    let world = World::open();
    assert_eq!(entry(world.outer(7)).key().await?, "outer:7");
    assert_eq!(entry(world.outer(7)).uncached().await, 101);
    assert_eq!(entry(world.row(7)).peek().await?, Some(Ok(Some(1))));
    world.source.commit();
    assert_eq!(
        entry(world.outer(7)).refresh().await,
        101,
        "the inner one hits"
    );
    assert_eq!(world.source.loads(), 1);
    Ok(())
}

#[tokio::test]
async fn a_future_that_calls_no_cached_function_is_told_so() {
    let error = entry(async { 7 })
        .peek()
        .await
        .expect_err("nothing to peek at");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(entry(async { 7 }).key().await.is_err());
    assert!(entry(async { 7 }).put(8).await.is_err());
    assert!(entry(async { 7 }).invalidate().await.is_err());
    assert_eq!(entry(async { 7 }).refresh().await, 7);
    assert_eq!(entry(async { 7 }).uncached().await, 7);
}

#[tokio::test]
async fn a_future_that_makes_something_of_a_call_is_told_so() -> Tested {
    let world = World::open();
    assert_eq!(world.row(7).await, Ok(Some(1)));
    let made = || async { world.row(7).await.is_ok() };
    assert_eq!(entry(made()).key().await?, "rows:7");
    let peeked = entry(made()).peek().await.expect_err("no `bool` is kept");
    assert!(peeked.to_string().contains("row"), "{peeked}");
    assert!(entry(made()).put(true).await.is_err());
    assert_eq!(world.row(7).await, Ok(Some(1)), "nothing was changed");
    Ok(())
}

#[tokio::test]
async fn functions_within_functions_have_companions() -> Tested {
    #[cached(key = "inside:<id>", local)]
    async fn inside(id: u64) -> u64 {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        CALLS.fetch_add(1, Ordering::SeqCst) + id
    }
    inside::put(1, 5).await?;
    assert_eq!(inside(1).await, 5);
    assert_eq!(inside::key(1), "inside:1");
    Ok(())
}

#[cached(key = "blocks:<id>", cache = world.cache, skip(world))]
fn blocks(world: &World, id: u64) -> Option<u64> {
    (id > 0).then(|| world.source.version() + id)
}

#[test]
fn a_function_that_blocks_has_a_companion_that_blocks() -> Tested {
    let world = World::open();
    assert_eq!(blocks::key(&world, 7), "blocks:7");
    assert_eq!(blocks::peek(&world, 7)?, None);
    assert_eq!(blocks(&world, 7), Some(8));
    assert_eq!(blocks::peek(&world, 7)?, Some(Some(8)));
    world.source.commit();
    assert_eq!(blocks::uncached(&world, 7), Some(9));
    assert_eq!(blocks(&world, 7), Some(8));
    assert_eq!(blocks::refresh(&world, 7), Some(9));
    assert_eq!(blocks(&world, 7), Some(9));
    blocks::put(&world, 7, 70)?;
    assert_eq!(blocks(&world, 7), Some(70));
    blocks::invalidate(&world, 7)?;
    assert_eq!(blocks::peek(&world, 7)?, None);
    blocks::put(&world, 7, 70)?;
    blocks::put(&world, 7, None)?;
    assert_eq!(blocks::peek(&world, 7)?, None);
    Ok(())
}

/// With a key that is made of everything.
#[cached(cache = cache, skip(cache))]
fn blocks_by_default<'a, T: larder::KeyPart, const N: usize>(
    cache: &Cache,
    list: [&'a T; N],
    (mut number, _): (u64, &'a str),
) -> u64 {
    number += list.len() as u64;
    number
}

#[test]
fn a_companion_that_blocks_has_the_default_key_of_its_function() -> Tested {
    #[cached(cache = cache, skip(cache))]
    fn within(cache: &Cache, id: u64) -> u64 {
        drop(cache.clone());
        id
    }
    let cache = near_cache();
    within(&cache, 7);
    assert_eq!(within::peek(&cache, 7)?, Some(7));
    assert!(
        within::key(&cache, 7).ends_with(":(7,)"),
        "{}",
        within::key(&cache, 7)
    );
    blocks_by_default(&cache, [&1_u8, &2], (3, ""));
    assert_eq!(
        blocks_by_default::peek(&cache, [&1_u8, &2], (3, ""))?,
        Some(5)
    );
    assert_eq!(
        blocks_by_default::peek(&cache, [&1_u16, &2], (3, ""))?,
        None
    );
    assert_eq!(blocks_by_default::peek(&cache, [&1_u8], (3, ""))?, None);
    assert_eq!(cache.stats().near_entries, 2);
    Ok(())
}

/// Blocks, and waits for a function that could be captured.
#[cached(key = "waits:<id>", cache = world.cache, skip(world))]
fn waits(world: &World, id: u64) -> u64 {
    let mut row = std::pin::pin!(world.row(id));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match row.as_mut().poll(&mut context) {
        std::task::Poll::Ready(row) => row.ok().flatten().unwrap_or_default(),
        std::task::Poll::Pending => panic!("it was captured, and nobody would ever wake this"),
    }
}

#[tokio::test]
async fn a_call_that_blocks_is_not_captured_but_can_be_refreshed() -> Tested {
    let world = World::open();
    assert_eq!(blocks(&world, 7), Some(8));
    world.source.commit();
    assert!(entry(async { blocks(&world, 7) }).key().await.is_err());
    assert!(entry(async { waits(&world, 7) }).key().await.is_err());
    assert_eq!(entry(async { blocks(&world, 7) }).refresh().await, Some(9));
    assert_eq!(blocks(&world, 7), Some(9));
    Ok(())
}

#[cfg(feature = "redis")]
mod far {
    use larder::{Moka, Redis};
    use test_support::RedisServer;

    use super::*;

    const FINE: &str = "the settings are in order";

    fn far_only(url: &str) -> World {
        let long = Duration::from_secs(5);
        let redis = Redis::builder(url).deadline(long).build().expect(FINE);
        let builder = Cache::builder().far(redis).outage_budget(long);
        World {
            cache: builder.build().expect(FINE),
            source: Source::open(),
        }
    }

    fn both(url: &str) -> World {
        let long = Duration::from_secs(5);
        let redis = Redis::builder(url).deadline(long).build().expect(FINE);
        let builder = Cache::builder().near(Moka::default()).far(redis);
        World {
            cache: builder.outage_budget(long).build().expect(FINE),
            source: Source::open(),
        }
    }

    /// Two processes on one server, of each kind.
    fn pairs(url: &str) -> [[World; 2]; 2] {
        [[far_only(url), far_only(url)], [both(url), both(url)]]
    }

    /// Waits for what another process comes to know by a message.
    async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
        let waits = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waits = tokio::time::timeout(Duration::from_secs(5), waits).await;
        waits.expect("it comes to hold");
    }

    /// Waits until a near tier hears of what others do: then what it holds does not go by itself.
    async fn hears(world: &World) {
        world.row(0).await.expect("the source does not fail");
        if world.cache.stats().near_entries > 0 {
            until(async || world.cache.stats().feed_alive).await;
        }
    }

    #[tokio::test]
    async fn what_one_process_puts_another_peeks_at() -> Tested {
        let server = RedisServer::start(&[]);
        for [here, there] in pairs(&server.url()) {
            get_user::invalidate(&here, 7).await?;
            assert_eq!(get_user::peek(&there, 7).await?, None);
            get_user::put(&here, 7, 70).await?;
            until(async || get_user::peek(&there, 7).await.ok() == Some(Some(Ok(Some(70))))).await;
            assert_eq!(get_user(&there, 7).await, Ok(Some(70)));
            assert_eq!(there.source.loads(), 0);
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_one_process_invalidates_another_has_no_more() -> Tested {
        let server = RedisServer::start(&[]);
        for [here, there] in pairs(&server.url()) {
            get_user::put(&here, 7, 70).await?;
            until(async || get_user(&there, 7).await == Ok(Some(70))).await;
            get_user::invalidate(&here, 7).await?;
            until(async || get_user::peek(&there, 7).await.ok() == Some(None)).await;
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_one_process_refreshes_another_gets() -> Tested {
        let server = RedisServer::start(&[]);
        for [here, there] in pairs(&server.url()) {
            hears(&there).await;
            let before = there.source.loads();
            get_user::put(&here, 7, 70).await?;
            until(async || get_user(&there, 7).await == Ok(Some(70))).await;
            here.source.commit();
            assert_eq!(get_user::refresh(&here, 7).await, Ok(Some(2)));
            until(async || get_user(&there, 7).await == Ok(Some(2))).await;
            assert_eq!(there.source.loads(), before);
        }
        Ok(())
    }

    #[tokio::test]
    async fn while_one_process_refreshes_all_have_the_old_value() -> Tested {
        let server = RedisServer::start(&[]);
        for [here, there] in pairs(&server.url()) {
            let here = World {
                source: Source::closed(),
                ..here
            };
            entry(here.row(7)).put(70).await?;
            let refresh = spawn_refresh(&here);
            begun(&here).await;
            until(async || there.row(7).await == Ok(Some(70))).await;
            assert_eq!(here.row(7).await, Ok(Some(70)));
            here.source.let_one();
            assert_eq!(refresh.await?, Ok(Some(1)));
            until(async || there.row(7).await == Ok(Some(1))).await;
            assert_eq!(there.source.loads(), 0);
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_refresh_that_another_process_invalidates_brings_nothing_back() -> Tested {
        let server = RedisServer::start(&[]);
        for how in 0..6 {
            let [here, there] = pairs(&server.url())[usize::from(how >= 3)].clone();
            let here = World {
                source: Source::closed(),
                ..here
            };
            if how != 1 {
                entry(here.row(7)).put(70).await?;
            }
            let refresh = spawn_refresh(&here);
            begun(&here).await;
            let version = there.source.commit();
            match how % 3 {
                0 => entry(there.row(7)).invalidate().await?,
                1 => there.cache.remove_tag("row").await?,
                _ => there.cache.remove_prefix("rows").await?,
            }
            here.source.let_one();
            assert_eq!(refresh.await?, Ok(Some(1)));
            assert_eq!(there.row(7).await, Ok(Some(version)), "way {how}");
            here.source.commit();
            here.source.let_one();
            until(async || here.row(7).await == Ok(Some(version))).await;
            entry(there.row(7)).invalidate().await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_failed_refresh_leaves_the_old_value_far() -> Tested {
        let server = RedisServer::start(&[]);
        for [here, there] in pairs(&server.url()) {
            get_user::put(&here, 1, 10).await?;
            assert!(get_user::refresh(&here, 1).await.is_err());
            until(async || get_user(&there, 1).await == Ok(Some(10))).await;
            get_user::put(&here, 0, 10).await?;
            assert_eq!(get_user::refresh(&here, 0).await, Ok(None));
            until(async || get_user::peek(&there, 0).await.ok() == Some(None)).await;
        }
        Ok(())
    }

    #[tokio::test]
    async fn without_the_server_a_refresh_loads_and_a_peek_says_so() -> Tested {
        let server = RedisServer::start(&[]);
        let world = far_only(&server.url());
        get_user::put(&world, 7, 70).await?;
        server.kill();
        assert_eq!(get_user::refresh(&world, 7).await, Ok(Some(1)));
        assert!(get_user::peek(&world, 7).await.is_err());
        assert!(get_user::put(&world, 7, 70).await.is_err());
        assert!(get_user::invalidate(&world, 7).await.is_err());
        Ok(())
    }
}
