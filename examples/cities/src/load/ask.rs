//! What is asked: which cities, how often, and which part of it are changes.

use fastrand::Rng;

use crate::{CountryCode, Draft, Name, db};

/// One request to the service.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    City(u32),
    Country { code: CountryCode, path: String },
    Search { name: String, path: String },
    Create(Draft),
    Update(u32, Draft),
    Delete(u32),
}

impl Ask {
    /// The method, the path and the body.
    pub(super) fn request(&self) -> (&'static str, String, Option<Vec<u8>>) {
        match self {
            Self::City(id) => ("GET", format!("/cities/{id}"), None),
            Self::Country { path, .. } | Self::Search { path, .. } => ("GET", path.clone(), None),
            Self::Create(draft) => ("POST", "/cities".to_owned(), Some(json(draft))),
            Self::Update(id, draft) => ("PUT", format!("/cities/{id}"), Some(json(draft))),
            Self::Delete(id) => ("DELETE", format!("/cities/{id}"), None),
        }
    }

    pub(super) fn is_change(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Update(..) | Self::Delete(_))
    }
}

fn json(draft: &Draft) -> Vec<u8> {
    serde_json::to_vec(draft).expect("a draft is plain data")
}

/// The cities in the order of their fame, which is their population, and how often each is
/// asked for: the `n`th in proportion to `1 / n` (Zipf's law with exponent 1).
#[derive(Debug)]
pub(super) struct Fame {
    cities: Vec<(u32, Draft)>,
    cumulative: Vec<f64>,
}

impl Fame {
    pub(super) fn new() -> Self {
        let mut cities: Vec<_> = db::cities().collect();
        cities.sort_by_key(|(_, city)| std::cmp::Reverse(city.population));
        let mut sum = 0.0;
        let cumulative = (1..=cities.len())
            .map(|rank| {
                sum += 1.0 / f64::from(u32::try_from(rank).expect("there are few cities"));
                sum
            })
            .collect();
        Self { cities, cumulative }
    }

    /// The cities that the service starts with.
    pub(super) fn cities(&self) -> impl Iterator<Item = (u32, &Draft)> {
        self.cities.iter().map(|(id, city)| (*id, city))
    }

    fn pick(&self, random: &mut Rng) -> &(u32, Draft) {
        let total = self.cumulative.last().expect("there are cities");
        let point = random.f64() * total;
        let rank = self.cumulative.partition_point(|sum| *sum < point);
        &self.cities[rank.min(self.cities.len() - 1)]
    }

    /// The next request; one in `change_in` is a change. `created` are the cities that the load itself made and that still
    /// exist for all it knows; `gone` those that it deleted.
    pub(super) fn ask(
        &self,
        random: &mut Rng,
        change_in: u32,
        created: &[u32],
        gone: &[u32],
    ) -> Ask {
        if random.u32(..change_in) == 0 {
            return self.change(random, created);
        }
        let (id, city) = self.pick(random);
        match random.u32(..100) {
            0..65 => Ask::City(*id),
            65..68 => Ask::City(*random.choice(created).unwrap_or(id)),
            68..70 => Ask::City(*random.choice(gone).unwrap_or(id)),
            70..90 => country(random, city.country),
            _ => search(random, &city.name).unwrap_or(Ask::City(*id)),
        }
    }

    fn change(&self, random: &mut Rng, created: &[u32]) -> Ask {
        let (id, city) = self.pick(random);
        match random.u32(..100) {
            0..10 => Ask::Create(self.altered(random, city)),
            10..15 => random.choice(created).map_or_else(
                || Ask::Create(self.altered(random, city)),
                |id| Ask::Delete(*id),
            ),
            15..25 => Ask::Update(
                *random.choice(created).unwrap_or(id),
                self.altered(random, city),
            ),
            _ => Ask::Update(*id, self.altered(random, city)),
        }
    }

    /// `city` with another population; one in four moves to another country, one in four gets
    /// another name.
    fn altered(&self, random: &mut Rng, city: &Draft) -> Draft {
        let mut city = city.clone();
        city.population = random.u32(15_000..25_000_000);
        match random.u32(..4) {
            0 => city.country = self.pick(random).1.country,
            1 => city.name = self.pick(random).1.name.clone(),
            _ => {}
        }
        city
    }
}

fn country(random: &mut Rng, code: CountryCode) -> Ask {
    let sort = if random.bool() { "population" } else { "name" };
    // Most readers look at the first page.
    let page = [1, 1, 1, 1, 2, 2, 3][random.usize(..7)];
    let path = format!(
        "/countries/{}/cities?sort={sort}&page={page}",
        code.as_str()
    );
    Ask::Country { code, path }
}

/// A search for the first letters of `name`; nothing if it is too short.
fn search(random: &mut Rng, name: &Name) -> Option<Ask> {
    let letters = random.usize(Name::START..=super::LETTERS);
    let typed: String = name.folded.chars().take(letters).collect();
    let name = Name::from(typed).folded;
    (name.chars().count() >= Name::START).then(|| Ask::Search {
        path: format!("/cities?name={}", escaped(&name)),
        name,
    })
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use fastrand::Rng;

    use super::{Ask, Fame};

    #[test]
    fn the_most_famous_city_is_asked_for_in_proportion() {
        let fame = Fame::new();
        let mut random = Rng::with_seed(1);
        let mut counts = HashMap::new();
        for _ in 0..100_000 {
            *counts.entry(fame.pick(&mut random).0).or_insert(0_u32) += 1;
        }
        // 1 / (1 + 1/2 + … + 1/34,006) is 9.1 %; half of it for the second.
        assert!((8_700..9_500).contains(&counts[&fame.cities[0].0]));
        assert!((4_300..4_800).contains(&counts[&fame.cities[1].0]));
    }

    #[test]
    fn one_request_in_so_many_is_a_change() {
        let fame = Fame::new();
        let mut random = Rng::with_seed(1);
        let changes = (0..100_000)
            .filter(|_| fame.ask(&mut random, 50, &[1], &[2]).is_change())
            .count();
        assert!((1_850..2_150).contains(&changes), "{changes}");
    }

    #[test]
    fn a_search_is_escaped() {
        assert_eq!(super::escaped("s o&ñ"), "s%20o%26%C3%B1");
        let (method, path, body) = Ask::Delete(7).request();
        assert_eq!((method, path.as_str(), body), ("DELETE", "/cities/7", None));
    }
}
