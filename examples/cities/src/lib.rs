//! A web service over `SQLite` whose reads are cached by larder.
//!
//! One request comes from [`web`], asks a [`Catalogue`] and gets its answer either from [`Db`],
//! which is the SQL and nothing else, or from [`Cached`], which is the same behind larder's
//! attributes. All that the cache needs to know stands in `cached.rs`.

mod cache;
mod cached;
mod catalogue;
mod city;
mod country;
mod db;
mod error;
mod list;
pub mod load;
mod name;
pub mod web;
mod writes;

pub use cache::cache;
pub use cached::Cached;
pub use catalogue::Catalogue;
pub use city::{City, Draft};
pub use country::{Country, CountryCode};
pub use db::{Db, Trips};
pub use error::{Error, Result};
pub use list::{CountryCities, Listing, Page, Sort};
pub use name::Name;
