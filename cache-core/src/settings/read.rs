//! How a value is read as what it is meant to be, and what is said if it is not that.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{Settings, duration};
use crate::error::{Error, ErrorKind, Result};

/// What stands in the names of those whose values are never shown: urls may hold passwords.
const SECRET: [&str; 8] = [
    "PASS",
    "SECRET",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "URL",
    "URI",
];
/// What stands in urls and hardly anywhere else, in case one was given under another name.
const SIGNS_OF_A_URL: [&str; 2] = ["@", "://"];
/// The longest value that is shown, in bytes.
const SHOWN: usize = 64;

/// How settings are read. Whoever registers a store reads its settings by these, too, so that the
/// errors are alike.
impl Settings {
    /// The value as it stands; `None` if it is not set, or empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is not Unicode.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Some(value)) if value.trim().is_empty() => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(wrong(name, "is not text: write it in UTF-8")),
        }
    }

    /// The value as it stands, of a setting that is needed. `instead` says what to write:
    /// "write the path of a directory".
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is not set, empty, or not Unicode.
    pub fn required(&self, name: &str, instead: &str) -> Result<&str> {
        let value = self.text(name)?;
        value.ok_or_else(|| wrong(name, &format!("is not set: {instead}")))
    }

    /// A number of this range, both ends included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is something else.
    pub fn number<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.refuse(
                name,
                &format!(
                    "write a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// A duration of a millisecond to a hundred years: whole seconds, or numbers with the units
    /// `ms`, `s`, `m`, `h` and `d`, as in an attribute.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is something else.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>> {
        let parse = |text| duration::parse(text).map_err(|instead| self.refuse(name, instead));
        self.text(name)?.map(parse).transpose()
    }

    /// Whether it says `true`, `yes`, `on` or `1`. If it is not set it is off.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it says none of these, nor `false`, `no`, `off` or `0`.
    pub fn flag(&self, name: &str) -> Result<bool> {
        let Some(text) = self.text(name)? else {
            return Ok(false);
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(self.refuse(name, "write `true` or `false`")),
        }
    }

    /// What stands between commas, without the white space around it; what is empty is left out.
    /// If it is not set, that is nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is not Unicode.
    pub fn list(&self, name: &str) -> Result<Vec<&str>> {
        let parts = self.text(name)?.unwrap_or_default().split(',');
        Ok(parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect())
    }

    /// The error that says that the value of a setting cannot work. `instead` says what to write:
    /// "write a power of two".
    ///
    /// It shows the value, unless the name or the value looks like that of a secret or a url.
    pub fn refuse(&self, name: &str, instead: &str) -> Error {
        let value = self.values.get(name).and_then(Option::as_deref);
        match value {
            None => wrong(name, &format!("is not set: {instead}")),
            Some(value) if is_secret(name, value) => wrong(
                name,
                &format!("has a value that cannot work, and that is not shown: {instead}"),
            ),
            Some(value) => wrong(name, &format!("is `{}`: {instead}", value.escape_debug())),
        }
    }

    /// Whether any value is set for the name, in Unicode or not.
    pub(super) fn is_set(&self, name: &str) -> bool {
        !matches!(self.text(name), Ok(None))
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|part| name.contains(part))
        || SIGNS_OF_A_URL.iter().any(|sign| value.contains(sign))
        || value.len() > SHOWN
}

fn wrong(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{name}` {what}"))
}
