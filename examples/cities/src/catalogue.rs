//! What can be asked and changed, whoever answers: the database, or a cache before it.

use std::sync::Arc;

use crate::{City, CountryCities, CountryCode, Db, Draft, Listing, Name, Page, Result, Sort};

/// The questions and changes of the service. Each fails if the database does.
pub trait Catalogue: Clone + Send + Sync + 'static {
    /// A city.
    fn city(&self, id: u32) -> impl Future<Output = Result<Option<Arc<City>>>> + Send;

    /// A country with one page of its cities.
    fn country(
        &self,
        code: CountryCode,
        sort: Sort,
        page: Page,
    ) -> impl Future<Output = Result<Option<Arc<CountryCities>>>> + Send;

    /// The cities whose name starts with `name`, the largest first.
    fn search(&self, name: &Name, page: Page) -> impl Future<Output = Result<Arc<Listing>>> + Send;

    /// Creates a city with an id from [`Db::next_id`].
    fn create(&self, id: u32, draft: &Draft) -> impl Future<Output = Result<City>> + Send;

    /// Replaces the city that was `before`, which [`Db::latest`] gave, by `draft`;
    /// [`Error::Busy`](crate::Error::Busy) if it has changed since.
    fn update(&self, before: &City, draft: &Draft) -> impl Future<Output = Result<City>> + Send;

    /// Deletes the city that was `before`, on the same terms, and returns the change's version.
    fn delete(&self, before: &City) -> impl Future<Output = Result<u32>> + Send;

    /// The database behind it.
    fn db(&self) -> &Db;
}
