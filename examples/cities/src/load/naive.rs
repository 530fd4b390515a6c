//! The control: cache-aside as it is written by hand. The ledger must find it out.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Catalogue, City, CountryCities, CountryCode, Db, Draft, Listing, Name, Page, Result, Sort,
};

type Entries = HashMap<String, Box<dyn Any + Send + Sync>>;

/// Looks, asks the database, stores; and removes after a change the city and all lists.
///
/// It removes what it must, and more, and at the right time. But a query that began before the
/// change may store its answer after the removal, and there it stays.
#[derive(Debug, Clone)]
pub struct Naive {
    db: Db,
    entries: Arc<Mutex<Entries>>,
}

impl Naive {
    /// Such a cache before `db`.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            entries: Arc::default(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn aside<T: Clone + Send + Sync + 'static>(
        &self,
        key: String,
        load: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let hit = self
            .entries()
            .get(&key)
            .and_then(|value| value.downcast_ref::<T>().cloned());
        if let Some(value) = hit {
            return Ok(value);
        }
        let value = load.await?;
        self.entries().insert(key, Box::new(value.clone()));
        Ok(value)
    }

    fn remove(&self, id: u32) {
        let city = format!("cities:{id}");
        self.entries()
            .retain(|key, _| key.starts_with("cities:") && *key != city);
    }
}

impl Catalogue for Naive {
    async fn city(&self, id: u32) -> Result<Option<Arc<City>>> {
        self.aside(format!("cities:{id}"), self.db.city(id)).await
    }

    async fn country(
        &self,
        code: CountryCode,
        sort: Sort,
        page: Page,
    ) -> Result<Option<Arc<CountryCities>>> {
        let key = format!("countries:{code:?}:{sort:?}:{page:?}");
        self.aside(key, self.db.country(code, sort, page)).await
    }

    async fn search(&self, name: &Name, page: Page) -> Result<Arc<Listing>> {
        let key = format!("searches:{}:{page:?}", name.folded);
        self.aside(key, self.db.search(name, page)).await
    }

    async fn create(&self, id: u32, draft: &Draft) -> Result<City> {
        let city = self.db.create(id, draft).await;
        self.remove(id);
        city
    }

    async fn update(&self, before: &City, draft: &Draft) -> Result<City> {
        let city = self.db.update(before, draft).await;
        self.remove(before.id);
        city
    }

    async fn delete(&self, before: &City) -> Result<u32> {
        let version = self.db.delete(before).await;
        self.remove(before.id);
        version
    }

    fn db(&self) -> &Db {
        &self.db
    }
}
