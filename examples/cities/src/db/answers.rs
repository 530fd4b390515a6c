//! The database as a catalogue: each question and each change is one trip.

use std::sync::Arc;

use super::{Db, read, write};
use crate::{
    Catalogue, City, CountryCities, CountryCode, Draft, Listing, Name, Page, Result, Sort,
};

impl Catalogue for Db {
    async fn city(&self, id: u32) -> Result<Option<Arc<City>>> {
        let city = self
            .read(move |connection| read::city(connection, id))
            .await?;
        Ok(city.map(Arc::new))
    }

    async fn country(
        &self,
        code: CountryCode,
        sort: Sort,
        page: Page,
    ) -> Result<Option<Arc<CountryCities>>> {
        let answer = self
            .read(move |connection| read::country(connection, code, sort, page))
            .await?;
        Ok(answer.map(Arc::new))
    }

    async fn search(&self, name: &Name, page: Page) -> Result<Arc<Listing>> {
        let name = name.folded.clone();
        let found = self
            .read(move |connection| read::search(connection, &name, page))
            .await?;
        Ok(Arc::new(found))
    }

    async fn create(&self, id: u32, draft: &Draft) -> Result<City> {
        let draft = draft.clone();
        self.write(move |connection| write::create(connection, id, &draft))
            .await
    }

    async fn update(&self, before: &City, draft: &Draft) -> Result<City> {
        let (before, draft) = (before.clone(), draft.clone());
        self.write(move |connection| write::update(connection, &before, &draft))
            .await
    }

    async fn delete(&self, before: &City) -> Result<u32> {
        let before = before.clone();
        self.write(move |connection| write::delete(connection, &before))
            .await
    }

    fn db(&self) -> &Db {
        self
    }
}
