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

/// Looks, asks the database, stores; and removes after a change what the change has touched.
///
/// It removes all that it must, and at the right time. But a query that began before the change
/// may store its answer after the removal, and there it stays.
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

    /// Removes a city, and the lists of these places: country and start of the name.
    fn remove(&self, id: u32, places: &[(CountryCode, &Name)]) {
        let city = format!("cities:{id}");
        let shows = |key: &str, &(country, name): &(CountryCode, &Name)| {
            key.starts_with(&format!("countries:{country:?}:"))
                || key.starts_with(&format!("searches:{}:", name.start))
        };
        self.entries()
            .retain(|key, _| *key != city && !places.iter().any(|place| shows(key, place)));
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
        let key = format!("searches:{}:{}:{page:?}", name.start, name.folded);
        self.aside(key, self.db.search(name, page)).await
    }

    async fn create(&self, id: u32, draft: &Draft) -> Result<City> {
        let city = self.db.create(id, draft).await;
        self.remove(id, &[(draft.country, &draft.name)]);
        city
    }

    async fn update(&self, before: &City, draft: &Draft) -> Result<City> {
        let city = self.db.update(before, draft).await;
        let places = [(before.country, &before.name), (draft.country, &draft.name)];
        self.remove(before.id, &places);
        city
    }

    async fn delete(&self, before: &City) -> Result<u32> {
        let version = self.db.delete(before).await;
        self.remove(before.id, &[(before.country, &before.name)]);
        version
    }

    fn db(&self) -> &Db {
        &self.db
    }
}
