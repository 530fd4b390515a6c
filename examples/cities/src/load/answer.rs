//! What the service answered, as far as it can be held against the ledger.

use hyper::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use super::ask::Ask;
use crate::{CountryCode, Name};

/// An answer that fits its question.
#[derive(Debug)]
pub(super) enum Answer {
    City(Seen),
    List(List),
    /// The change that deleted the city.
    Deleted(Seen),
    /// There is no such city.
    Missing,
}

/// A city at one version.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) id: u32,
    pub(super) version: u32,
}

/// A list of cities.
#[derive(Debug)]
pub(super) struct List {
    pub(super) revision: u32,
    pub(super) cities: Vec<Seen>,
}

impl Answer {
    /// Reads the answer to `ask`; nothing if it is an error or the answer to something else.
    pub(super) fn read(ask: &Ask, status: StatusCode, body: &[u8]) -> Option<Self> {
        if status == StatusCode::NOT_FOUND {
            let may_be_missing = matches!(ask, Ask::City(_) | Ask::Update(..) | Ask::Delete(_));
            return may_be_missing.then_some(Self::Missing);
        }
        if !status.is_success() {
            return None;
        }
        match ask {
            Ask::Create(_) => Some(Self::City(json(body)?)),
            Ask::City(id) | Ask::Update(id, _) => seen(*id, body).map(Self::City),
            Ask::Delete(id) => seen(*id, body).map(Self::Deleted),
            Ask::Country { code, .. } => {
                let page: Page = json(body)?;
                page.list.all(|city| city.country == *code).map(Self::List)
            }
            Ask::Search { name, .. } => {
                let list: Cities = json(body)?;
                let fits = |city: &City| Name::from(city.name.as_str()).folded.starts_with(name);
                list.all(fits).map(Self::List)
            }
        }
    }
}

fn seen(id: u32, body: &[u8]) -> Option<Seen> {
    json(body).filter(|seen: &Seen| seen.id == id)
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

#[derive(Deserialize)]
struct Page {
    list: Cities,
}

#[derive(Deserialize)]
struct Cities {
    revision: u32,
    cities: Vec<City>,
}

#[derive(Deserialize)]
struct City {
    id: u32,
    version: u32,
    name: String,
    country: CountryCode,
}

impl Cities {
    /// The list, if each of its cities `fits`.
    fn all(self, fits: impl Fn(&City) -> bool) -> Option<List> {
        self.cities.iter().all(fits).then(|| List {
            revision: self.revision,
            cities: self
                .cities
                .into_iter()
                .map(|City { id, version, .. }| Seen { id, version })
                .collect(),
        })
    }
}
