//! Lists of cities: which part is wanted, in which order, and what the answer is.

use larder::KeyPart;
use serde::{Deserialize, Serialize};

use crate::{City, Country};

/// One page of a list of cities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The newest change of any city when the list was read.
    pub revision: u32,
    /// How many cities all pages have.
    pub total: u32,
    /// Which page this is.
    pub page: Page,
    /// The cities of this page, in order.
    pub cities: Vec<City>,
}

/// A country with one page of its cities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountryCities {
    /// The country.
    pub country: Country,
    /// Its cities.
    pub list: Listing,
}

/// The order of a country's cities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, KeyPart, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The largest first.
    #[default]
    Population,
    /// By name, without regard to case and accents.
    Name,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, KeyPart, Serialize, Deserialize)]
pub struct Page {
    number: u32,
    size: u32,
}

impl Page {
    /// Page `number`, 1 to 1,000, of `size` cities each, 1 to 100: bounded, because every page
    /// that somebody asks for is a query and an entry in the cache.
    ///
    /// # Errors
    ///
    /// A sentence for the client if one of them is out of range.
    pub fn new(number: u32, size: u32) -> Result<Self, &'static str> {
        match (number, size) {
            (1..=1_000, 1..=100) => Ok(Self { number, size }),
            _ => Err("`page` must be 1 to 1000 and `size` 1 to 100"),
        }
    }

    /// How many cities it has at most.
    pub fn limit(self) -> u32 {
        self.size
    }

    /// How many cities stand on the pages before it.
    pub fn offset(self) -> u32 {
        (self.number - 1) * self.size
    }
}
