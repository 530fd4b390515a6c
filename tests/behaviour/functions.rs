//! Everything that is a function caches, never mixes instances, and keeps its promises.

#[cfg(feature = "testkit")]
mod far;
mod plain;

use std::{
    cell::Cell,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use larder::{Cache, KeyPart, KeyWriter, cached, invalidate_cache};

use crate::world::near_cache;

/// What runs the bodies of this file, and counts how often.
#[derive(Clone)]
struct Shop {
    cache: Cache,
    runs: Arc<AtomicU64>,
    name: &'static str,
}

impl Shop {
    fn new(name: &'static str) -> Self {
        Self {
            cache: near_cache(),
            runs: Arc::default(),
            name,
        }
    }

    /// Another instance on the same cache, with the same counter.
    fn other(&self, name: &'static str) -> Self {
        Self {
            name,
            ..self.clone()
        }
    }

    fn run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }
}

impl KeyPart for Shop {
    fn write_key(&self, key: &mut KeyWriter) {
        self.name.write_key(key);
    }
}

/// Calls three times and once with another argument: the body runs twice.
macro_rules! assert_cached {
    ($shop:expr, $one:expr, $other:expr) => {{
        let before = $shop.runs();
        let first = $one;
        assert_eq!($one, first);
        assert_eq!($one, first);
        assert_eq!($shop.runs(), before + 1, "equal arguments run once");
        let other = $other;
        assert_ne!(other, first, "other arguments are another value");
        assert_eq!($shop.runs(), before + 2);
    }};
}

struct Wrap<T>(T);

struct Page {
    number: u64,
}

#[async_trait]
trait Catalogue: Sync {
    async fn price(&self, id: u64) -> u64;
    fn shop(&self) -> &Shop;

    #[cached(key = "default:<id>", cache = self.shop().cache)]
    async fn by_default(&self, id: u64) -> (u64, u64) {
        (self.shop().run(), id)
    }

    #[cached(key = "parts:<a>:<b>:<page.number>", cache = self.shop().cache)]
    async fn by_parts(&self, (a, mut b): (u64, u64), Wrap(page): Wrap<Page>) -> (u64, u64) {
        b += a;
        (self.shop().run(), b + page.number)
    }

    #[cached(skip(self), cache = self.shop().cache)]
    async fn by_all_parts(
        &self,
        (a, _): (u64, Cell<u64>),
        Wrap(b): Wrap<u64>,
        _: Cell<u8>,
    ) -> (u64, u64) {
        (self.shop().run(), a + b)
    }

    #[invalidate_cache(prefix = "prices", cache = self.shop().cache)]
    async fn reprice(&self) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl Catalogue for Shop {
    #[cached(key = "prices:<self.name>:<id>", cache = self.cache)]
    async fn price(&self, id: u64) -> u64 {
        self.run() * 1_000 + id
    }
    fn shop(&self) -> &Shop {
        self
    }
}

#[tokio::test]
async fn methods_of_an_async_trait_cache_also_as_objects_and_by_default() {
    let shop = Shop::new("north");
    let catalogue: &dyn Catalogue = &shop;
    assert_cached!(shop, catalogue.price(1).await, catalogue.price(2).await);
    assert_cached!(
        shop,
        catalogue.by_default(1).await,
        catalogue.by_default(2).await
    );
    let page = |number| Wrap(Page { number });
    assert_cached!(
        shop,
        catalogue.by_parts((1, 2), page(3)).await,
        catalogue.by_parts((1, 2), page(4)).await
    );
    assert_cached!(
        shop,
        catalogue
            .by_all_parts((1, Cell::new(1)), Wrap(2), Cell::new(0))
            .await,
        catalogue
            .by_all_parts((1, Cell::new(1)), Wrap(3), Cell::new(0))
            .await
    );
    let before = catalogue.price(1).await;
    catalogue.reprice().await.unwrap();
    assert_ne!(catalogue.price(1).await, before);
}

impl Shop {
    #[cached(key = "boxed:<self.name>:<id>", cache = self.cache)]
    fn boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(async move { self.run() * 1_000 + id })
    }

    #[cached(key = "prepared:<self.name>:<id>", cache = self.cache)]
    fn prepared(&self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        let run = self.run();
        if id == 0 {
            return Box::pin(std::future::ready(run));
        }
        Box::pin(async move { run * 1_000 + id })
    }

    #[cached(key = "opaque:<self.name>:<id>", cache = self.cache)]
    fn opaque(&self, id: u64) -> impl Future<Output = u64> + Send {
        async move { self.run() * 1_000 + id }
    }

    #[invalidate_cache(prefix = "opaque:<self.name>", cache = self.cache)]
    fn write(&self, ok: bool) -> impl Future<Output = Result<(), ()>> + Send {
        async move { ok.then_some(()).ok_or(()) }
    }
}

#[tokio::test]
async fn functions_that_give_a_future_by_hand_cache_what_it_gives() {
    let shop = Shop::new("north");
    assert_cached!(shop, shop.boxed(1).await, shop.boxed(2).await);
    assert_cached!(shop, shop.prepared(1).await, shop.prepared(2).await);
    assert_cached!(shop, shop.prepared(0).await, shop.prepared(3).await);
    assert_cached!(shop, shop.opaque(1).await, shop.opaque(2).await);
    let before = shop.opaque(1).await;
    shop.write(false).await.unwrap_err();
    assert_eq!(shop.opaque(1).await, before);
    shop.write(true).await.unwrap();
    assert_ne!(shop.opaque(1).await, before);
}

#[tokio::test]
async fn nothing_happens_before_a_future_is_polled() {
    struct Told<'a>(&'a Cell<u64>);
    impl KeyPart for Told<'_> {
        fn write_key(&self, key: &mut KeyWriter) {
            self.0.set(self.0.get() + 1);
            "told".write_key(key);
        }
    }
    // A single thread: the future need not be `Send`, the body does.
    #[cached(key = "told:<told>")]
    fn ask<'a>(told: Told<'a>) -> Pin<Box<dyn Future<Output = u64> + 'a>> {
        Box::pin(async move { 1 })
    }
    let count = Cell::new(0);
    let future = ask(Told(&count));
    assert_eq!(count.get(), 0, "the key was written early");
    assert_eq!(future.await, 1);
    assert_eq!(count.get(), 1);

    let shop = Shop::new("north");
    let early = shop.opaque(1);
    let before = shop.opaque(1).await;
    shop.write(true).await.unwrap();
    assert_ne!(
        early.await,
        before,
        "a future that waited looks at what is there now"
    );
    drop(shop.prepared(1));
    assert_eq!(
        shop.runs(),
        2,
        "nor is the body run for a future that nobody polls"
    );
}

struct Kinds(Shop);

impl Kinds {
    #[cached(key = "kinds:<self.0>:<id>", cache = self.0.cache)]
    async fn by_reference(&self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:mut", cache = self.0.cache)]
    async fn by_mutable_reference(&mut self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:value", cache = self.0.cache)]
    async fn by_value(self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:arc", cache = self.0.cache)]
    async fn by_arc(self: Arc<Self>, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:arc_ref", cache = self.0.cache)]
    async fn by_reference_to_arc(self: &Arc<Self>, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:box", cache = self.0.cache)]
    async fn by_box(self: Box<Self>, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:pin", cache = self.0.cache)]
    async fn by_pin(self: Pin<&Self>, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
    #[cached(key = "kinds:<self.0>:<id>:pin_mut", cache = self.0.cache)]
    async fn by_mutable_pin(self: Pin<&mut Self>, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
}

#[tokio::test]
async fn every_receiver_caches_and_two_instances_share_only_by_what_the_key_says() {
    let north = Shop::new("north");
    let kinds = || Kinds(north.clone());
    assert_cached!(
        north,
        kinds().by_reference(1).await,
        kinds().by_reference(2).await
    );
    assert_cached!(
        north,
        kinds().by_mutable_reference(1).await,
        kinds().by_mutable_reference(2).await
    );
    assert_cached!(north, kinds().by_value(1).await, kinds().by_value(2).await);
    assert_cached!(
        north,
        Arc::new(kinds()).by_arc(1).await,
        Arc::new(kinds()).by_arc(2).await
    );
    assert_cached!(
        north,
        Arc::new(kinds()).by_reference_to_arc(1).await,
        Arc::new(kinds()).by_reference_to_arc(2).await
    );
    assert_cached!(
        north,
        Box::new(kinds()).by_box(1).await,
        Box::new(kinds()).by_box(2).await
    );
    assert_cached!(
        north,
        Pin::new(&kinds()).by_pin(1).await,
        Pin::new(&kinds()).by_pin(2).await
    );
    assert_cached!(
        north,
        Pin::new(&mut kinds()).by_mutable_pin(1).await,
        Pin::new(&mut kinds()).by_mutable_pin(2).await
    );
    let south = Kinds(north.other("south"));
    assert_ne!(south.by_reference(1).await, kinds().by_reference(1).await);
}

impl Shop {
    /// The instance is in the key, because nothing says otherwise.
    #[cached(cache = self.cache)]
    async fn of_each(&self, id: u64) -> (u64, u64) {
        (self.run(), id)
    }

    #[cached(skip(self), cache = self.cache)]
    async fn of_all(&self, id: u64) -> (u64, u64) {
        (self.run(), id)
    }
}

#[tokio::test]
async fn instances_share_nothing_unless_the_instance_is_skipped() {
    let north = Shop::new("north");
    let south = north.other("south");
    assert_cached!(north, north.of_each(1).await, south.of_each(1).await);
    assert_eq!(north.of_all(1).await, south.of_all(1).await);
}

/// One method of each of three types, under one name, in one module.
struct One(Shop);
struct Two<T>(Shop, T);

trait Named {
    fn named(&self, id: u64) -> impl Future<Output = (u64, u64)> + Send;
}

impl Named for One {
    #[cached(skip(self), cache = self.0.cache)]
    async fn named(&self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
}

impl<T: Sync> Named for Two<T> {
    #[cached(skip(self), cache = self.0.cache)]
    async fn named(&self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
}

impl One {
    #[cached(skip(self), cache = self.0.cache)]
    fn plain(&self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }
}

impl<T> Two<T> {
    #[cached(skip(self), cache = self.0.cache)]
    fn plain(&self, id: u64) -> (u64, u64) {
        (self.0.run(), id)
    }

    #[cached(skip(self), cache = self.0.cache)]
    fn boxed<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = (u64, u64)> + Send + 'a>>
    where
        T: Sync,
    {
        Box::pin(async move { (self.0.run(), id) })
    }

    #[cached(skip(self), cache = self.0.cache)]
    fn opaque(&self, id: u64) -> impl Future<Output = (u64, u64)> + Send
    where
        T: Sync,
    {
        async move { (self.0.run(), id) }
    }
}

#[tokio::test]
async fn functions_of_one_name_never_share_whatever_their_style() {
    let shop = Shop::new("north");
    let (one, two, three) = (
        One(shop.clone()),
        Two(shop.clone(), 1_u8),
        Two(shop.clone(), "x"),
    );
    assert_cached!(shop, one.named(1).await, two.named(1).await);
    assert_ne!(two.named(1).await, three.named(1).await);
    assert_cached!(shop, one.plain(1), two.plain(1));
    assert_ne!(two.plain(1), three.plain(1));
    assert_cached!(shop, two.boxed(1).await, three.boxed(1).await);
    assert_cached!(shop, two.opaque(1).await, three.opaque(1).await);
    assert_ne!(two.opaque(1).await, two.boxed(1).await);
}

mod first {
    #[larder::cached]
    pub(super) fn same(id: u64) -> (&'static str, u64) {
        ("first", id)
    }
}

mod second {
    #[larder::cached]
    pub(super) fn same(id: u64) -> (&'static str, u64) {
        #[larder::cached]
        fn same(id: u64) -> (&'static str, u64) {
            ("inner", id)
        }
        assert_eq!(same(id), ("inner", id));
        ("second", id)
    }
}

#[test]
fn functions_of_one_name_in_two_modules_and_in_each_other_never_share() {
    assert_eq!(first::same(1), ("first", 1));
    assert_eq!(second::same(1), ("second", 1));
    assert_eq!(first::same(1), ("first", 1));
}

#[cached(key = "fib:<n>", cache = shop.cache, skip(shop))]
async fn fibonacci(shop: &Shop, n: u64) -> u64 {
    shop.run();
    if n < 2 {
        n
    } else {
        fibonacci(shop, n - 1).await + fibonacci(shop, n - 2).await
    }
}

#[cached(key = "plain_fib:<n>", cache = shop.cache, skip(shop))]
fn plain_fibonacci(shop: &Shop, n: u64) -> u64 {
    shop.run();
    if n < 2 {
        n
    } else {
        plain_fibonacci(shop, n - 1) + plain_fibonacci(shop, n - 2)
    }
}

#[tokio::test]
async fn a_function_may_call_itself() {
    let shop = Shop::new("north");
    assert_eq!(fibonacci(&shop, 60).await, 1_548_008_755_920);
    assert_eq!(shop.runs(), 61);
    assert_eq!(plain_fibonacci(&shop, 60), 1_548_008_755_920);
    assert_eq!(shop.runs(), 122);
    assert_eq!(shop.cache.stats().flights, 0);
}

#[cached(key = "loop", cache = shop.cache, skip(shop, depth))]
fn plain_loop(shop: &Shop, depth: u64) -> u64 {
    shop.run();
    if depth == 0 {
        0
    } else {
        1 + plain_loop(shop, depth - 1)
    }
}

#[cached(key = "loop_async", cache = shop.cache, skip(shop, depth))]
async fn async_loop(shop: &Shop, depth: u64) -> u64 {
    shop.run();
    if depth == 0 {
        0
    } else {
        1 + async_loop(shop, depth - 1).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_asks_for_its_own_key_does_not_wait_for_itself() {
    let (shop, start) = (Shop::new("north"), std::time::Instant::now());
    assert_eq!(plain_loop(&shop, 2), 2);
    assert_eq!(async_loop(&shop, 2).await, 2);
    assert_eq!(shop.runs(), 6, "each depth runs its own body");
    assert!(start.elapsed() < larder::policy::DEFAULT_WAIT);
    assert_eq!(
        (plain_loop(&shop, 9), async_loop(&shop, 9).await),
        (2, 2),
        "the outermost is kept"
    );
}

// A compile-time condition of this very build, one way and the other.
#[cached(key = "there:<id>:<region>", cache = cache, skip(cache))]
async fn with_a_parameter(cache: &Cache, id: u64, #[cfg(not(any()))] region: &str) -> String {
    format!("{id}{region}")
}

#[cached(cache = cache, skip(cache))]
async fn without_a_parameter(
    cache: &Cache,
    id: u64,
    #[cfg(any())] region: &str,
    #[cfg_attr(not(any()), cfg(any()))] trace: Nothing,
) -> u64 {
    #[cfg(any())]
    drop(region);
    id
}

#[cached(key = "plain_without:<id>:<region>", skip(_trace))]
fn plain_without(id: u64, #[cfg(any())] region: &str, #[cfg(any())] (_trace,): (Nothing,)) -> u64 {
    id
}

#[tokio::test]
async fn a_parameter_under_a_condition_is_in_the_key_where_it_exists() {
    let cache = near_cache();
    assert_eq!(with_a_parameter(&cache, 1, "a").await, "1a");
    assert_eq!(with_a_parameter(&cache, 1, "b").await, "1b");
    assert_eq!(without_a_parameter(&cache, 1).await, 1);
    assert_eq!(without_a_parameter(&cache, 2).await, 2);
    assert_eq!((plain_without(1), plain_without(2)), (1, 2));
}

// The compiler expands attributes from the top: each is wrapped by those below it.
#[invalidate_cache(prefix = "below:<id>", cache = shop.cache)]
#[cached(key = "stacked:<id>", cache = shop.cache, skip(shop))]
async fn invalidates_inside(shop: &Shop, id: u64) -> (u64, u64) {
    (shop.run(), id)
}

#[cached(key = "stacked:<id>:outside", cache = shop.cache, skip(shop))]
#[invalidate_cache(prefix = "below:<id>", cache = shop.cache)]
async fn invalidates_outside(shop: &Shop, id: u64) -> (u64, u64) {
    (shop.run(), id)
}

#[tokio::test]
async fn attributes_stack_and_the_lowest_is_asked_first() {
    let shop = Shop::new("north");
    let below = async || shop.cache.get::<u64>("below:1:x").await.unwrap();
    let put = async || shop.cache.set("below:1:x", &1_u64).await.unwrap();
    put().await;
    invalidates_inside(&shop, 1).await;
    assert_eq!(
        below().await,
        None,
        "a miss runs the body, which invalidates"
    );
    put().await;
    invalidates_inside(&shop, 1).await;
    assert_eq!(below().await, Some(1), "a hit does not");
    for _ in 0..2 {
        put().await;
        invalidates_outside(&shop, 1).await;
        assert_eq!(below().await, None, "every call invalidates");
    }
    assert_eq!(shop.runs(), 2);
}

#[cached(key = "borrowed:<text>:<words>:<maybe>", cache = shop.cache, skip(shop))]
fn by_content(shop: &Shop, text: &str, words: &[&str], maybe: Option<&str>) -> (u64, String) {
    (shop.run(), format!("{text}{words:?}{maybe:?}"))
}

#[test]
fn borrowed_arguments_are_known_by_their_content() {
    let shop = Shop::new("north");
    let text = String::from("a");
    assert_cached!(
        shop,
        by_content(&shop, &text.clone(), &[&text], Some(&text.clone())),
        by_content(&shop, "a", &["a"], None)
    );
}

#[cached(key = "parsed:<text>", cache = shop.cache, skip(shop))]
async fn parsed(shop: Shop, text: &str) -> Result<u64, &'static str> {
    shop.run();
    text.parse().map_err(|_| "no number")
}

#[tokio::test]
async fn a_call_on_a_task_of_its_own_may_fail_with_a_text() {
    let shop = Shop::new("north");
    for (text, expected) in [("7", Ok(7)), ("x", Err("no number"))].repeat(2) {
        let (shop, text) = (shop.clone(), text.to_owned());
        let call = tokio::spawn(async move { parsed(shop, &text).await });
        assert_eq!(call.await.expect("no panic"), expected);
    }
    assert_eq!(shop.runs(), 3, "a value once, an error each time");
}
