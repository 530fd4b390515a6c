//! The questions: each sees one state of the database, and says which one.

use rusqlite::{Connection, OptionalExtension, Params, Transaction, params};

use crate::{City, Country, CountryCities, CountryCode, Listing, Page, Result, Sort};

const BY_POPULATION: &str = "FROM city WHERE country = ?1 ORDER BY population DESC, id";
const BY_NAME: &str = "FROM city WHERE country = ?1 ORDER BY folded, id";
// A range of the index, where `LIKE` would read the whole table.
const BY_START: &str =
    "FROM city WHERE folded >= ?1 AND folded < ?1 || char(1114111) ORDER BY population DESC, id";

pub(super) fn city(connection: &mut Connection, id: u32) -> Result<Option<City>> {
    let mut query = connection.prepare_cached("SELECT * FROM city WHERE id = ?1")?;
    Ok(query.query_one([id], City::from_row).optional()?)
}

pub(super) fn country(
    connection: &mut Connection,
    code: CountryCode,
    sort: Sort,
    page: Page,
) -> Result<Option<CountryCities>> {
    let snapshot = connection.transaction()?;
    let country = snapshot
        .prepare_cached("SELECT * FROM country WHERE code = ?1")?
        .query_one([code], Country::from_row)
        .optional()?;
    let Some(country) = country else {
        return Ok(None);
    };
    let cities = match sort {
        Sort::Population => BY_POPULATION,
        Sort::Name => BY_NAME,
    };
    let list = list(&snapshot, cities, code.as_str(), page)?;
    Ok(Some(CountryCities { country, list }))
}

pub(super) fn search(connection: &mut Connection, name: &str, page: Page) -> Result<Listing> {
    list(&connection.transaction()?, BY_START, name, page)
}

/// One page of `cities`, a query without its columns whose only parameter is `of`.
fn list(snapshot: &Transaction<'_>, cities: &str, of: &str, page: Page) -> Result<Listing> {
    let revision = number(snapshot, "SELECT revision FROM counter", [])?;
    let total = number(snapshot, &format!("SELECT count(*) {cities}"), [of])?;
    let mut query = snapshot.prepare_cached(&format!("SELECT * {cities} LIMIT ?2 OFFSET ?3"))?;
    let cities = query
        .query_map(params![of, page.limit(), page.offset()], City::from_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Listing {
        revision,
        total,
        page,
        cities,
    })
}

fn number(snapshot: &Transaction<'_>, query: &str, of: impl Params) -> Result<u32> {
    Ok(snapshot
        .prepare_cached(query)?
        .query_one(of, |row| row.get(0))?)
}
