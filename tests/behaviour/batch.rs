//! Batches: one load for all that is missing, and yet each key is one of its own.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use larder::{Cache, Clock, KeyPart, Moka, cached};

use crate::world::{Source, near_cache};

#[cfg(feature = "redis")]
mod far;
mod flights;

/// From here on ids have no row.
const NOBODY: u64 = 1_000_000;

/// A table of rows, all of one version, behind one gate.
#[derive(Debug, Clone)]
struct Rows {
    source: Source,
    runs: Arc<Mutex<Vec<Vec<u64>>>>,
}

/// An id and its version.
type Row = (u64, u64);

impl Rows {
    fn open() -> Self {
        Self::of(Source::open())
    }

    /// Whose loads are held until they are let through.
    fn closed() -> Self {
        Self::of(Source::closed())
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            runs: Arc::default(),
        }
    }

    /// One load of several rows.
    async fn load(&self, ids: &[u64]) -> HashMap<u64, Row> {
        self.runs.lock().unwrap().push(ids.to_vec());
        let version = self.source.load().await;
        let there = ids.iter().filter(|id| **id < NOBODY);
        there.map(|id| (*id, (*id, version))).collect()
    }

    /// What each load was asked for.
    fn runs(&self) -> Vec<Vec<u64>> {
        self.runs.lock().unwrap().clone()
    }
}

fn map<const N: usize>(ids: [u64; N]) -> HashMap<u64, Row> {
    ids.into_iter().map(|id| (id, (id, 1))).collect()
}

#[cached(batch = ids, key = "rows:<ids>", cache = cache, skip(cache, rows))]
async fn several(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    rows.load(ids).await
}

#[cached(key = "rows:<id>", cache = cache, skip(cache, rows))]
async fn one(cache: &Cache, rows: &Rows, id: u64) -> Row {
    rows.load(&[id]).await[&id]
}

#[tokio::test]
async fn the_body_runs_once_with_the_missing_elements_in_the_order_asked() {
    let (cache, rows) = (near_cache(), Rows::open());
    one(&cache, &rows, 2).await;
    let got = several(&cache, &rows, &[3, 2, 9, 1]).await;
    assert_eq!(got, map([1, 2, 3, 9]));
    assert_eq!(rows.runs(), [vec![2], vec![3, 9, 1]]);
}

#[tokio::test]
async fn what_a_batch_loaded_is_a_hit_for_all_who_ask_for_its_keys() {
    let (cache, rows) = (near_cache(), Rows::open());
    several(&cache, &rows, &[1, 2, 3]).await;
    assert_eq!(one(&cache, &rows, 2).await, (2, 1));
    assert_eq!(several(&cache, &rows, &[3, 1]).await, map([1, 3]));
    assert_eq!(rows.runs().len(), 1);
    let stats = cache.stats().total;
    assert_eq!((stats.misses, stats.near_hits, stats.loads), (3, 3, 1));
}

#[tokio::test]
async fn an_element_that_is_named_twice_is_asked_for_once() {
    let (cache, rows) = (near_cache(), Rows::open());
    for _ in 0..2 {
        let got = several(&cache, &rows, &[1, 2, 1, 1]).await;
        assert_eq!(got, map([1, 2]));
    }
    assert_eq!(rows.runs(), [[1, 2]]);
    let stats = cache.stats().total;
    assert_eq!((stats.misses, stats.coalesced), (2, 0));
}

#[tokio::test]
async fn nothing_is_asked_for_an_empty_list() {
    let (cache, rows) = (near_cache(), Rows::open());
    assert_eq!(several(&cache, &rows, &[]).await, map([]));
    assert!(rows.runs().is_empty());
}

#[tokio::test]
async fn what_the_map_leaves_out_is_asked_for_again() {
    let (cache, rows) = (near_cache(), Rows::open());
    for _ in 0..2 {
        let got = several(&cache, &rows, &[1, NOBODY]).await;
        assert_eq!(got, map([1]));
    }
    assert_eq!(rows.runs(), [vec![1, NOBODY], vec![NOBODY]]);
}

#[cached(batch = ids, key = "known:<ids>", none_ttl = "1s", cache = cache, skip(cache, rows))]
async fn remembered(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    rows.load(ids).await
}

#[cached(key = "known:<id>", cache = cache, skip(cache, rows))]
async fn perhaps(cache: &Cache, rows: &Rows, id: u64) -> Option<Row> {
    rows.load(&[id]).await.remove(&id)
}

#[tokio::test]
async fn an_absence_is_kept_if_asked_for_and_for_its_own_time() {
    let clock = Clock::manual();
    let builder = Cache::builder().near(Moka::default()).jitter(0.0);
    let cache = builder.clock(clock.clone()).build().unwrap();
    let rows = Rows::open();
    for _ in 0..3 {
        let got = remembered(&cache, &rows, &[1, NOBODY]).await;
        assert_eq!(got, map([1]));
    }
    assert_eq!(perhaps(&cache, &rows, NOBODY).await, None);
    assert_eq!(rows.runs().len(), 1);
    clock.advance(Duration::from_secs(1));
    remembered(&cache, &rows, &[1, NOBODY]).await;
    assert_eq!(rows.runs()[1..], [[NOBODY]]);
}

#[cached(batch = ids, key = "more:<ids>", cache = cache, skip(cache, rows))]
async fn generous(cache: &Cache, rows: &Rows, ids: Vec<u64>) -> HashMap<u64, Row> {
    let mut more = ids;
    more.push(77);
    rows.load(&more).await
}

#[tokio::test]
async fn a_value_that_nobody_asked_for_is_neither_returned_nor_kept() {
    let (cache, rows) = (near_cache(), Rows::open());
    assert_eq!(generous(&cache, &rows, vec![1]).await, map([1]));
    assert_eq!(generous(&cache, &rows, vec![77]).await, map([77]));
    assert_eq!(rows.runs().len(), 2);
}

/// Every kind of list and every kind of map; what they were asked for is in the values.
mod forms {
    use super::*;

    type Answer<T> = Result<T, String>;

    #[cached(batch = ids, cache = cache, skip(cache))]
    async fn vec(cache: &Cache, ids: Vec<u8>) -> Vec<(u8, usize)> {
        ids.iter().rev().map(|id| (*id, ids.len())).collect()
    }

    #[cached(batch = ids, cache = cache, skip(cache))]
    async fn lent_vec(cache: &Cache, ids: &Vec<u8>) -> Answer<Vec<(u8, usize)>> {
        Ok(ids.iter().map(|id| (*id, ids.len())).collect())
    }

    #[cached(batch = ids, cache = cache, skip(cache))]
    async fn set(cache: &Cache, ids: HashSet<u8>) -> BTreeMap<u8, usize> {
        ids.iter().map(|id| (*id, ids.len())).collect()
    }

    #[cached(batch = ids, cache = cache, skip(cache))]
    async fn lent_set(cache: &Cache, ids: &BTreeSet<u8>) -> Answer<BTreeMap<u8, usize>> {
        Ok(ids.iter().map(|id| (*id, ids.len())).collect())
    }

    #[cached(batch = names, cache = cache, skip(cache))]
    async fn names(cache: &Cache, names: &[&str]) -> HashMap<String, usize> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), names.len()))
            .collect()
    }

    #[cached(batch = ids, none_ttl = 9, cache = cache, skip(cache))]
    async fn options(cache: &Cache, mut ids: Vec<u8>) -> HashMap<u8, Option<usize>> {
        ids.truncate(2);
        let count = ids.len();
        let value = |id| (id, (id != 1).then_some(count));
        ids.into_iter().map(value).collect()
    }

    #[tokio::test]
    async fn a_list_is_of_any_kind_and_so_is_a_map() {
        let cache = near_cache();
        assert_eq!(vec(&cache, vec![2]).await, [(2, 1)]);
        assert_eq!(
            vec(&cache, vec![3, 2, 1, 3]).await,
            [(3, 2), (2, 1), (1, 2)]
        );
        assert_eq!(lent_vec(&cache, &vec![2]).await.unwrap(), [(2, 1)]);
        let two = lent_vec(&cache, &vec![1, 2]).await.unwrap();
        assert_eq!(two, [(1, 1), (2, 1)]);
        assert_eq!(set(&cache, [2].into()).await, [(2, 1)].into());
        assert_eq!(set(&cache, [1, 2].into()).await, [(1, 1), (2, 1)].into());
        let two = lent_set(&cache, &[1, 2].into()).await.unwrap();
        assert_eq!(two, [(1, 2), (2, 2)].into());
        let two = names(&cache, &["a", "b"]).await;
        assert_eq!(two, [("a".to_owned(), 2), ("b".to_owned(), 2)].into());
    }

    #[tokio::test]
    async fn where_values_are_options_an_absence_is_a_none() {
        let cache = near_cache();
        let all = [(0, Some(2)), (1, None), (2, None)];
        for _ in 0..2 {
            assert_eq!(options(&cache, vec![0, 1, 2]).await, all.into());
        }
        assert_eq!(cache.stats().total.loads, 1);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, KeyPart)]
struct Id {
    shop: u8,
    number: u64,
}

/// With everything that a function can have besides its list.
struct Shop<T> {
    cache: Cache,
    rows: Rows,
    region: T,
}

impl<T: KeyPart + Sync> Shop<T> {
    #[cached(
        batch = ids,
        key = "stock:<self.region>:<lang:lower>:<ids.shop>:<ids.number>",
        tags = ["shop:<ids.shop>"],
        ttl = 60,
        cache = self.cache,
        skip(runs)
    )]
    async fn stock<S: AsRef<str> + Clone + Send + Sync>(
        &self,
        lang: S,
        runs: &mut u64,
        ids: &[Id],
    ) -> Result<HashMap<Id, Row>, String> {
        *runs += 1;
        let numbers: Vec<u64> = ids.iter().map(|id| id.number).collect();
        let rows = self.rows.load(&numbers).await;
        Ok(ids
            .iter()
            .map(|id| (id.clone(), rows[&id.number]))
            .collect())
    }
}

#[tokio::test]
async fn the_other_arguments_belong_to_the_key_of_each_element() {
    let (cache, rows) = (near_cache(), Rows::open());
    let shop = |region| Shop {
        cache: cache.clone(),
        rows: rows.clone(),
        region,
    };
    let (north, south) = (shop("north"), shop("south"));
    let id = |shop, number| Id { shop, number };
    let mut runs = 0;
    let ids = [id(1, 1), id(2, 1)];
    for (shop, lang, ids) in [
        (&north, "de", &ids[..]),
        (&north, "DE", &ids[..1]),
        (&south, "de", &ids[..1]),
        (&north, "en", &ids[1..]),
    ] {
        let got = shop.stock(lang, &mut runs, ids).await.unwrap();
        assert_eq!(got.len(), ids.len());
    }
    assert_eq!(runs, 3);
    cache.remove_tag("shop:2").await.unwrap();
    north.stock("de", &mut runs, &ids).await.unwrap();
    assert_eq!(rows.runs().last().unwrap().len(), 1, "only the tagged one");
    let key = "stock:north:de:1:1";
    assert!(cache.exists(key).await.unwrap());
}

#[cached(batch = ids, cache = cache, skip(cache, rows))]
async fn by_default(cache: &Cache, rows: &Rows, tenant: &str, ids: &[u64]) -> HashMap<u64, Row> {
    rows.load(ids).await
}

#[tokio::test]
async fn without_a_key_each_element_stands_in_place_of_the_list() {
    let (cache, rows) = (near_cache(), Rows::open());
    by_default(&cache, &rows, "a", &[1, 2]).await;
    by_default(&cache, &rows, "a", &[2, 1]).await;
    by_default(&cache, &rows, "b", &[2, 1]).await;
    assert_eq!(rows.runs(), [[1, 2], [2, 1]]);
    let key = "behaviour.batch.by_default:(a,1,)";
    assert!(cache.exists(key).await.unwrap());
}

#[cached(
    batch = ids,
    key = "chosen:<ids>",
    if = ids.len() < 3,
    unless = |row| row.0 == 2,
    ttl_from = |row| Duration::from_secs(row.0),
    cache = cache,
    skip(cache, rows)
)]
async fn chosen(cache: &Cache, rows: &Rows, ids: &[u64]) -> HashMap<u64, Row> {
    rows.load(ids).await
}

#[tokio::test]
async fn what_is_kept_is_asked_of_each_value_and_whether_at_all_of_the_call() {
    let clock = Clock::manual();
    let builder = Cache::builder().near(Moka::default()).jitter(0.0);
    let cache = builder.clock(clock.clone()).build().unwrap();
    let rows = Rows::open();
    assert_eq!(chosen(&cache, &rows, &[1, 2]).await, map([1, 2]));
    assert_eq!(chosen(&cache, &rows, &[2, 1]).await, map([1, 2]));
    chosen(&cache, &rows, &[3]).await;
    clock.advance(Duration::from_secs(1));
    chosen(&cache, &rows, &[1, 3]).await;
    assert_eq!(rows.runs(), [vec![1, 2], vec![2], vec![3], vec![1]]);
    assert_eq!(chosen(&cache, &rows, &[1, 3, 1]).await, map([1, 3]));
    assert_eq!(rows.runs()[4..], [[1, 3, 1]], "as if it were not cached");
}

#[tokio::test]
async fn a_batch_is_refreshed_or_passed_by_whole_and_has_no_entry_of_its_own() {
    let (cache, rows) = (near_cache(), Rows::open());
    several(&cache, &rows, &[1, 2]).await;
    rows.source.commit();
    let call = || several(&cache, &rows, &[2, 1, 2]);
    let both = |version| HashMap::from([1, 2].map(|id| (id, (id, version))));
    assert_eq!(larder::entry(call()).uncached().await, both(2));
    assert_eq!(call().await, both(1), "nothing was kept");
    assert_eq!(larder::entry(call()).refresh().await, both(2));
    assert_eq!(call().await, both(2));
    let error = larder::entry(call()).key().await.unwrap_err();
    assert!(error.to_string().contains("none of its own"), "{error}");
    assert_eq!(rows.runs(), [vec![1, 2], vec![2, 1, 2], vec![2, 1]]);
    let entry = larder::entry(one(&cache, &rows, 2)).key().await;
    assert_eq!(entry.unwrap(), "rows:2");
}
