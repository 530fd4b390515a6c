//! Everything that a function can have beside the list that it is asked for in parts.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    future::Future,
    hash::Hash,
    pin::Pin,
    time::Duration,
};

use larder::{Cache, KeyPart, cached};

type Answer<T> = Result<T, Lost>;
#[derive(Debug, Clone)]
struct Lost;

#[derive(Debug, Clone, PartialEq, Eq, Hash, KeyPart)]
struct Id {
    shop: u8,
    number: u64,
}

/// A free function.
#[cached(batch = ids, key = "users:<tenant>:<ids>", ttl = "1m", none_ttl = 5)]
async fn users(tenant: &str, ids: &[u64]) -> Answer<HashMap<u64, String>> {
    if tenant.is_empty() {
        return Err(Lost);
    }
    Ok(ids.iter().map(|id| (*id, tenant.to_owned())).collect())
}

/// Parameters that are changed, taken apart or called like locals of an expansion.
#[cached(batch = batch, key = "<key>:<list>:<batch>", skip(part))]
async fn names(
    (mut key, list): (String, u8),
    mut batch: Vec<u64>,
    part: &mut usize,
) -> Vec<(u64, String)> {
    *part += 1;
    key.push('!');
    batch.retain(|id| *id > u64::from(list));
    batch.into_iter().map(|id| (id, key.clone())).collect()
}

#[cached(batch = ids, sensitive(ids), cache = cache, skip(cache))]
async fn sets(cache: &Cache, ids: HashSet<u64>) -> BTreeMap<u64, Option<u8>> {
    let _ = cache.namespace();
    ids.into_iter().map(|id| (id, Some(1))).collect()
}

#[cached(
    batch = r#type,
    tags = ["all", "type:<type>"],
    if = !r#type.is_empty(),
    unless = |value| *value == 0,
    ttl_from = |value| Duration::from_secs(*value),
    local
)]
async fn raw(r#type: &BTreeSet<u64>) -> HashMap<u64, u64> {
    r#type.iter().map(|id| (*id, *id)).collect()
}

#[cached(batch = names)]
async fn lengths(names: &[&str], _unused: u8) -> HashMap<String, usize> {
    let entry = |name: &&str| ((*name).to_owned(), name.len());
    names.iter().map(entry).collect()
}

/// Of any type.
#[cached(batch = ids)]
async fn generic<K, T>(ids: &[K], value: T) -> HashMap<K, T>
where
    K: KeyPart + Clone + Eq + Hash + Send + Sync + 'static,
    T: KeyPart + Clone + Send + Sync + 'static,
{
    ids.iter().map(|id| (id.clone(), value.clone())).collect()
}

struct Repo<T> {
    region: T,
}

impl<T: KeyPart + Sync> Repo<T> {
    #[cached(batch = ids, key = "stock:<self.region>:<ids.shop>:<ids.number>", tags = ["shop:<ids.shop>"])]
    async fn stock(&self, ids: &[Id]) -> Answer<HashMap<Id, u64>> {
        Ok(ids.iter().map(|id| (id.clone(), id.number)).collect())
    }

    /// As `async_trait` writes it.
    #[cached(batch = ids, key = "boxed:<self.region>:<ids>")]
    fn boxed<'life, 'future>(
        &'life self,
        ids: &'life [u64],
    ) -> Pin<Box<dyn Future<Output = HashMap<u64, u64>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async move { ids.iter().map(|id| (*id, *id)).collect() })
    }
}

fn assert_send(_: &(impl Future + Send)) {}

fn main() {
    let repo = Repo { region: 1 };
    let mut runs = 0;
    assert_send(&users("a", &[1, 2]));
    assert_send(&names(("a".to_owned(), 1), vec![1, 2], &mut runs));
    assert_send(&sets(larder::default_cache(), [1].into()));
    assert_send(&raw(&[1].into()));
    assert_send(&lengths(&["ab"], 0));
    assert_send(&generic(&[1], 2));
    assert_send(&repo.stock(&[Id { shop: 1, number: 2 }]));
    assert_send(&repo.boxed(&[7]));
}
