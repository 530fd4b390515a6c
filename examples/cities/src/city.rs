//! What a city is, and which one a client may send. A value of these types is valid: parsing checks.

use serde::{Deserialize, Serialize};

use crate::{CountryCode, Name};

/// A city as it stands in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct City {
    /// Its `GeoNames` id, or one from 1,000,000,000 on for a city created here. Never used twice.
    pub id: u32,
    /// The number of the change that last wrote it; grows with every change of any city.
    pub version: u32,
    /// Its name.
    pub name: Name,
    /// Where it lies.
    pub country: CountryCode,
    /// The first administrative division, as `GeoNames` numbers it; may be empty.
    pub admin1: String,
    /// Degrees north, WGS 84.
    pub latitude: f64,
    /// Degrees east, WGS 84.
    pub longitude: f64,
    /// Inhabitants.
    pub population: u32,
    /// The IANA name of its time zone.
    pub timezone: String,
}

/// A city as a client sends it, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[expect(missing_docs, reason = "the fields are those of `City`")]
pub struct Draft {
    pub name: Name,
    pub country: CountryCode,
    pub admin1: String,
    pub latitude: f64,
    pub longitude: f64,
    pub population: u32,
    pub timezone: String,
}

#[derive(Deserialize)]
struct Unchecked {
    name: Name,
    country: CountryCode,
    #[serde(default)]
    admin1: String,
    latitude: f64,
    longitude: f64,
    population: u32,
    timezone: String,
}

impl TryFrom<Unchecked> for Draft {
    type Error = &'static str;

    fn try_from(city: Unchecked) -> Result<Self, Self::Error> {
        if !(1..=200).contains(&city.name.folded.chars().count()) {
            return Err("`name` must have 1 to 200 characters");
        }
        if !(-90.0..=90.0).contains(&city.latitude) {
            return Err("`latitude` must be -90 to 90 degrees");
        }
        if !(-180.0..=180.0).contains(&city.longitude) {
            return Err("`longitude` must be -180 to 180 degrees");
        }
        if !(1..=64).contains(&city.timezone.len()) || city.admin1.len() > 64 {
            return Err("`timezone` must have 1 to 64 bytes and `admin1` at most 64");
        }
        Ok(Self {
            name: city.name,
            country: city.country,
            admin1: city.admin1,
            latitude: city.latitude,
            longitude: city.longitude,
            population: city.population,
            timezone: city.timezone,
        })
    }
}
