//! Which changes have finished, and whether an answer is older than they allow.
//!
//! The rule: an answer whose request began after a change had been reported as done must show
//! that change, or a later one. Every answer can be held against it, because a city carries the
//! number of the change that wrote it, and a list the number of the newest change it has seen.

use std::collections::{HashMap, HashSet};

use super::{
    answer::{Answer, List, Seen},
    ask::{Ask, Fame},
};
use crate::{CountryCode, Draft};

/// What the clients know together.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    cities: HashMap<u32, History>,
    /// The newest finished change of any city that came to, stayed in, or left a list.
    countries: HashMap<CountryCode, u32>,
    searches: HashMap<String, u32>,
    /// How many changes have finished.
    finished: usize,
    pub(super) created: Vec<u32>,
    pub(super) gone: Vec<u32>,
    /// Cities that are being deleted or are deleted: they may be missing.
    leaving: HashSet<u32>,
}

/// What is known about one city.
#[derive(Debug, Default)]
struct History {
    changes: Vec<Change>,
    /// Changes on their way.
    open: u32,
    /// Two of them overlap, so that it is unknown which came first and what it replaced.
    contended: bool,
}

#[derive(Debug)]
struct Change {
    /// How many changes had finished when this one did, itself included.
    number: usize,
    version: u32,
    /// Where it put the city; nowhere if it deleted it.
    place: Option<Place>,
}

/// What decides which lists show a city.
#[derive(Debug, Clone)]
struct Place {
    country: CountryCode,
    name: String,
}

/// What was known when a request began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    finished: usize,
    floor: u32,
}

impl Ledger {
    pub(super) fn new(fame: &Fame) -> Self {
        let history = |(id, draft): (u32, &Draft)| {
            let place = Some(Place::of(draft));
            let first = Change {
                number: 0,
                version: 1,
                place,
            };
            let changes = vec![first];
            (
                id,
                History {
                    changes,
                    ..History::default()
                },
            )
        };
        Self {
            cities: fame.cities().map(history).collect(),
            ..Self::default()
        }
    }

    /// Notes that a request begins now.
    pub(super) fn begin(&mut self, ask: &Ask) -> Known {
        match ask {
            Ask::Update(id, _) => self.open(*id),
            Ask::Delete(id) => {
                self.created.retain(|created| created != id);
                self.leaving.insert(*id);
                self.open(*id);
            }
            _ => {}
        }
        let floor = match ask {
            Ask::City(id) => self.newest(*id, self.finished),
            Ask::Country { code, .. } => self.countries.get(code).copied().unwrap_or(1),
            Ask::Search { name, .. } => self.searches.get(name).copied().unwrap_or(1),
            Ask::Create(_) | Ask::Update(..) | Ask::Delete(_) => 0,
        };
        Known {
            finished: self.finished,
            floor,
        }
    }

    fn open(&mut self, id: u32) {
        let city = self.cities.entry(id).or_default();
        city.open += 1;
        city.contended |= city.open > 1;
    }

    /// Holds the answer to `ask`, which began when `known` was all that was known, against what
    /// had finished by then. Notes a change that has finished now.
    pub(super) fn is_current(&mut self, ask: &Ask, known: Known, answer: &Answer) -> bool {
        match (ask, answer) {
            (Ask::City(id) | Ask::Update(id, _) | Ask::Delete(id), Answer::Missing) => {
                return self.leaving.contains(id);
            }
            (_, Answer::Missing) => return false,
            (_, Answer::List(list)) => return self.shows(list, known),
            (Ask::Create(draft), Answer::City(city)) => {
                self.open(city.id);
                self.created.push(city.id);
                self.finish(city, Some(Place::of(draft)));
            }
            (Ask::Update(_, draft), Answer::City(city)) => {
                self.finish(city, Some(Place::of(draft)));
            }
            (_, Answer::City(city)) => return city.version >= known.floor,
            (_, Answer::Deleted(city)) => {
                self.finish(city, None);
                self.gone.push(city.id);
            }
        }
        // A change is never stale: it begins with what the database has.
        true
    }

    /// Whether a list, and every city in it, shows all that was known.
    fn shows(&self, list: &List, known: Known) -> bool {
        let current = |city: &Seen| city.version >= self.newest(city.id, known.finished);
        list.revision >= known.floor && list.cities.iter().all(current)
    }

    /// The newest version of a city among the first `finished` changes; 0 if there is none.
    fn newest(&self, id: u32, finished: usize) -> u32 {
        let changes = self.cities.get(&id).map_or(&[][..], |city| &city.changes);
        let known = changes.iter().filter(|change| change.number <= finished);
        known.map(|change| change.version).max().unwrap_or(0)
    }

    /// Notes a finished change. One that failed is never noted as finished, so that its city
    /// counts as contended from then on: what the failed change did is unknown.
    fn finish(&mut self, &Seen { id, version }: &Seen, place: Option<Place>) {
        self.finished += 1;
        let city = self.cities.entry(id).or_default();
        let before = city
            .changes
            .iter()
            .filter(|change| change.version < version);
        let left = before
            .max_by_key(|change| change.version)
            .and_then(|change| change.place.clone());
        let left = left.filter(|_| !city.contended);
        city.open -= 1;
        city.contended &= city.open > 0;
        city.changes.push(Change {
            number: self.finished,
            version,
            place: place.clone(),
        });
        for place in left.into_iter().chain(place) {
            self.touch(&place, version);
        }
    }

    fn touch(&mut self, place: &Place, version: u32) {
        let country = self.countries.entry(place.country).or_default();
        *country = version.max(*country);
        for letters in crate::Name::START..=super::LETTERS {
            let start: String = place.name.chars().take(letters).collect();
            let search = self.searches.entry(start).or_default();
            *search = version.max(*search);
        }
    }
}

impl Place {
    fn of(draft: &Draft) -> Self {
        Self {
            country: draft.country,
            name: draft.name.folded.clone(),
        }
    }
}
