//! What a country is, and how its code is read and written into keys.

use std::fmt;

use larder::{KeyPart, KeyWriter};
use serde::{Deserialize, Serialize};

/// A country. The service never changes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Country {
    /// Its ISO 3166-1 code.
    pub code: CountryCode,
    /// Its name in English.
    pub name: String,
    /// The two letters of its continent.
    pub continent: String,
    /// Its capital; empty where there is none.
    pub capital: String,
    /// Inhabitants.
    pub population: u32,
    /// Its area in square kilometres.
    pub area_km2: f64,
    /// Its ISO 4217 currency.
    pub currency: String,
}

/// Two capital letters, by ISO 3166-1. `de` is read as `DE`, so both share what is cached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The code as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country code is two ASCII letters")
    }
}

impl TryFrom<String> for CountryCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err("a country code has two letters, like `DE`"),
        }
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl KeyPart for CountryCode {
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_str().write_key(key);
    }
}
