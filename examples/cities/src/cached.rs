//! What is cached, for how long, and what each change makes invalid: all of it is in this file.
//!
//! | answer | key | no longer true after a change of |
//! |---|---|---|
//! | a city | `cities:<id>` | that city |
//! | a page of a country | `countries:<code>:…` | a city that was or is in that country |
//! | a search | `searches:<start>:…` | a city whose name began or begins with these two letters |
//!
//! A change is given the city as it was *and* as it will be, for both decide which lists show it;
//! the database makes the change only if that is still how the city was.

use std::sync::Arc;

use larder::{Cache, cached, invalidate_cache};

use crate::{
    Catalogue, City, CountryCities, CountryCode, Db, Draft, Listing, Name, Page, Result, Sort,
};

/// The database behind a cache.
#[derive(Debug, Clone)]
pub struct Cached {
    db: Db,
    cache: Cache,
}

impl Cached {
    /// Answers from `cache`, and from `db` what it does not know.
    pub fn new(db: Db, cache: Cache) -> Self {
        Self { db, cache }
    }
}

impl Catalogue for Cached {
    #[cached(ttl = 600, none_ttl = 30, key = "cities:<id>", cache = self.cache)]
    async fn city(&self, id: u32) -> Result<Option<Arc<City>>> {
        self.db.city(id).await
    }

    #[cached(ttl = 600, key = "countries:<code>:<sort>:<page>", cache = self.cache)]
    async fn country(
        &self,
        code: CountryCode,
        sort: Sort,
        page: Page,
    ) -> Result<Option<Arc<CountryCities>>> {
        self.db.country(code, sort, page).await
    }

    #[cached(ttl = 600, key = "searches:<name.start>:<name.folded>:<page>", cache = self.cache)]
    async fn search(&self, name: &Name, page: Page) -> Result<Arc<Listing>> {
        self.db.search(name, page).await
    }

    // `when = always`: a change that reports an error may have happened all the same.
    #[invalidate_cache(
        keys = ["cities:<id>"],
        prefix = ["countries:<draft.country>", "searches:<draft.name.start>"],
        when = always,
        cache = self.cache
    )]
    async fn create(&self, id: u32, draft: &Draft) -> Result<City> {
        self.db.create(id, draft).await
    }

    #[invalidate_cache(
        keys = ["cities:<before.id>"],
        prefix = [
            "countries:<before.country>",
            "countries:<draft.country>",
            "searches:<before.name.start>",
            "searches:<draft.name.start>",
        ],
        when = always,
        cache = self.cache
    )]
    async fn update(&self, before: &City, draft: &Draft) -> Result<City> {
        self.db.update(before, draft).await
    }

    #[invalidate_cache(
        keys = ["cities:<before.id>"],
        prefix = ["countries:<before.country>", "searches:<before.name.start>"],
        when = always,
        cache = self.cache
    )]
    async fn delete(&self, before: &City) -> Result<u32> {
        self.db.delete(before).await
    }

    fn db(&self) -> &Db {
        &self.db
    }
}
