//! How a row becomes a value, and a value a column.

use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::{City, Country, CountryCode, Draft, Name};

impl City {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            name: Name::from(row.get::<_, String>("name")?),
            country: row.get("country")?,
            admin1: row.get("admin1")?,
            latitude: row.get("latitude")?,
            longitude: row.get("longitude")?,
            population: row.get("population")?,
            timezone: row.get("timezone")?,
        })
    }

    pub(super) fn of(id: u32, version: u32, draft: &Draft) -> Self {
        let draft = draft.clone();
        Self {
            id,
            version,
            name: draft.name,
            country: draft.country,
            admin1: draft.admin1,
            latitude: draft.latitude,
            longitude: draft.longitude,
            population: draft.population,
            timezone: draft.timezone,
        }
    }
}

impl Country {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            code: row.get("code")?,
            name: row.get("name")?,
            continent: row.get("continent")?,
            capital: row.get("capital")?,
            population: row.get("population")?,
            area_km2: row.get("area_km2")?,
            currency: row.get("currency")?,
        })
    }
}

impl ToSql for CountryCode {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for CountryCode {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value)?
            .try_into()
            .map_err(|why: &str| FromSqlError::Other(why.into()))
    }
}
