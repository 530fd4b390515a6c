//! What a new database starts with: the cities and countries of `data/`.

use rusqlite::{Connection, Transaction, params};
use serde::de::DeserializeOwned;

use crate::{Country, Draft, Error, Result};

const CITIES: &str = include_str!("../../data/cities.csv");
const COUNTRIES: &str = include_str!("../../data/countries.csv");

/// Creates the tables and fills them, unless the database has them already.
pub(super) fn seed(connection: &mut Connection) -> Result<()> {
    let tables: u32 =
        connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    insert_countries(&transaction)?;
    insert_cities(&transaction)?;
    Ok(transaction.commit()?)
}

/// The cities of `data/` with their ids, in the order of the file.
pub(crate) fn cities() -> impl Iterator<Item = (u32, Draft)> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: u32,
    }
    rows(CITIES)
        .zip(rows(CITIES))
        .map(|(Id { id }, draft)| (id, draft))
}

fn rows<T: DeserializeOwned>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        .map(|row| row.expect("the data in this package is well-formed"))
}

fn insert_countries(transaction: &Transaction<'_>) -> Result<()> {
    let mut insert =
        transaction.prepare("INSERT INTO country VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for country in rows::<Country>(COUNTRIES) {
        insert.execute(params![
            country.code,
            country.name,
            country.continent,
            country.capital,
            country.population,
            country.area_km2,
            country.currency,
        ])?;
    }
    Ok(())
}

fn insert_cities(transaction: &Transaction<'_>) -> Result<(), Error> {
    for (id, draft) in cities() {
        super::write::insert(transaction, id, 1, &draft)?;
    }
    Ok(())
}
