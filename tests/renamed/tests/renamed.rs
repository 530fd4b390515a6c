//! Every attribute with `crate = …`, where there is no crate `larder`: whatever an expansion named
//! by itself would not be found.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{http::HeaderMap, response::Html};
use pantry::{KeyPart, cache_put, cached, invalidate_cache};

/// A path may lead through modules of one's own.
mod store {
    pub(crate) use pantry as facade;
}

static RUNS: AtomicU64 = AtomicU64::new(0);

fn run() -> u64 {
    RUNS.fetch_add(1, Ordering::SeqCst)
}

#[cached(crate = pantry)]
async fn by_default(id: u64, name: &str) -> Result<Option<String>, std::fmt::Error> {
    Ok((id > 0).then(|| format!("{name}{}", run())))
}

#[cached(
    crate = store::facade,
    ttl = "1m",
    none_ttl = "1s",
    key = "renamed:<id>:<name:lower>",
    tags = ["name:<name:hash>"],
    version = 1,
    codec = bincode,
    cache = pantry::default_cache()
)]
async fn with_options(id: u64, name: String) -> Option<u64> {
    (id > 0).then(|| run() + u64::from(name.is_empty()))
}

#[cached(crate = ::pantry, key = "plain:<id>", skip(nowhere), local)]
fn plain(id: u64, #[cfg(any())] nowhere: Nothing) -> u64 {
    run() + id
}

#[cached(crate = pantry, key = "boxed:<id>")]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    let run = run();
    Box::pin(async move { run + id })
}

#[cached(crate = pantry, key = "opaque:<id>")]
fn opaque(id: u64) -> impl Future<Output = u64> + Send {
    async move { run() + id }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, KeyPart)]
#[key(crate = pantry)]
enum Row {
    First,
    At { number: u64 },
}

#[cached(
    crate = pantry,
    batch = rows,
    key = "rows:<rows>",
    if = !rows.is_empty(),
    ttl_from = |value: &u64| Duration::from_secs(60 + value),
    unless = |value| *value > 1_000_000,
    none_ttl = Duration::from_secs(5)
)]
async fn rows(rows: &[Row]) -> HashMap<Row, u64> {
    rows.iter().map(|row| (row.clone(), run())).collect()
}

#[cached(crate = pantry, key = "pages:<headers[accept-language]>", sensitive(headers))]
async fn page(headers: HeaderMap) -> Html<String> {
    Html(format!("{} in {} headers", run(), headers.len()))
}

#[cache_put(crate = pantry, key = "boxed:<id>", unless = |value| *value == 0)]
#[invalidate_cache(crate = pantry, of = [opaque(id), plain_one(*ret)])]
async fn put(id: u64) -> u64 {
    run() + id
}

#[cached(crate = pantry, sensitive(id), err_ttl = "5s")]
fn plain_one(id: u64) -> Result<u64, std::fmt::Error> {
    Ok(run() + id)
}

#[invalidate_cache(crate = pantry, prefix = "renamed", keys = ["plain:<id>"], tags = ["name:<id>"])]
async fn write(id: u64) -> Result<u64, std::fmt::Error> {
    Ok(id)
}

#[invalidate_cache(crate = store::facade, all, when = always)]
fn write_plainly() {}

#[tokio::test]
async fn every_attribute_finds_its_crate_by_the_given_path() {
    assert_eq!(by_default(1, "a").await, by_default(1, "a").await);
    let first = with_options(1, "A".to_owned()).await;
    assert_eq!(with_options(1, "a".to_owned()).await, first);
    assert_eq!(plain(1), plain(1));
    assert_eq!(boxed(1).await, boxed(1).await);
    assert_eq!(opaque(1).await, opaque(1).await);
    let before = plain(1);
    write(1).await.unwrap();
    assert_ne!(with_options(1, "a".to_owned()).await, first);
    assert_ne!(plain(1), before);
    so_do_batches_handlers_and_what_stores().await;
    let before = boxed(1).await;
    write_plainly();
    assert_ne!(boxed(1).await, before);
}

/// A part of the test above, which empties the cache that both use.
async fn so_do_batches_handlers_and_what_stores() {
    let asked = [Row::First, Row::At { number: 7 }];
    assert_eq!(rows(&asked).await, rows(&asked).await);
    let key = page::key(HeaderMap::new());
    page(HeaderMap::new()).await;
    assert!(pantry::default_cache().exists(&key).await.unwrap());
    let before = (opaque(2).await, plain_one(1));
    let value = put(2).await;
    assert_eq!(boxed(2).await, value);
    assert_ne!(opaque(2).await, before.0);
    assert_eq!(plain_one(1), before.1, "another call than that of `ret`");
}
