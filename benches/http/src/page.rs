//! What is served: a page of items, as values and as JSON.

use std::sync::Arc;

use serde::Serialize;

/// One line of the page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    id: u64,
    name: String,
    price: f64,
    tags: Vec<String>,
}

/// The page, as a database would give it.
pub(crate) fn load(page: u64) -> Arc<Vec<Item>> {
    let item = |id| Item {
        id,
        name: format!("item number {id}"),
        price: 9.75,
        tags: vec!["new".to_owned(), "sale".to_owned()],
    };
    Arc::new((0..20).map(|line| item(page * 20 + line)).collect())
}

/// The page, as every handler sends it.
pub(crate) fn json(page: u64) -> Vec<u8> {
    serde_json::to_vec(&load(page)).expect("a page is JSON")
}
