//! The changes: each is one transaction, takes the next revision, and applies only to what its
//! caller has seen.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::{City, Draft, Error, Result};

pub(super) fn next_id(connection: &mut Connection) -> Result<u32> {
    let query = "UPDATE counter SET id = id + 1 RETURNING id";
    Ok(connection
        .prepare_cached(query)?
        .query_one([], |row| row.get(0))?)
}

pub(super) fn create(connection: &mut Connection, id: u32, draft: &Draft) -> Result<City> {
    change(connection, |transaction, version| {
        insert(transaction, id, version, draft)?;
        Ok(City::of(id, version, draft))
    })
}

pub(super) fn update(connection: &mut Connection, before: &City, draft: &Draft) -> Result<City> {
    change(connection, |transaction, version| {
        let rows = transaction
            .prepare_cached(
                "UPDATE city SET version = ?3, name = ?4, folded = ?5, country = ?6, admin1 = ?7,
                     latitude = ?8, longitude = ?9, population = ?10, timezone = ?11
                 WHERE id = ?1 AND version = ?2",
            )?
            .execute(params![
                before.id,
                before.version,
                version,
                draft.name.text,
                draft.name.folded,
                draft.country,
                draft.admin1,
                draft.latitude,
                draft.longitude,
                draft.population,
                draft.timezone,
            ])?;
        one(rows)?;
        Ok(City::of(before.id, version, draft))
    })
}

pub(super) fn delete(connection: &mut Connection, before: &City) -> Result<u32> {
    change(connection, |transaction, version| {
        let rows = transaction
            .prepare_cached("DELETE FROM city WHERE id = ?1 AND version = ?2")?
            .execute([before.id, before.version])?;
        one(rows)?;
        Ok(version)
    })
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    id: u32,
    version: u32,
    draft: &Draft,
) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO city (id, version, name, folded, country, admin1,
                 latitude, longitude, population, timezone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            id,
            version,
            draft.name.text,
            draft.name.folded,
            draft.country,
            draft.admin1,
            draft.latitude,
            draft.longitude,
            draft.population,
            draft.timezone,
        ])?;
    Ok(())
}

/// Runs `write` in a transaction of its own, with the revision that it makes.
fn change<T>(
    connection: &mut Connection,
    write: impl FnOnce(&Transaction<'_>, u32) -> Result<T>,
) -> Result<T> {
    // Takes the lock at once: a reader that becomes a writer halfway could be refused.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let revision = transaction
        .prepare_cached("UPDATE counter SET revision = revision + 1 RETURNING revision")?
        .query_one([], |row| row.get(0))?;
    let result = write(&transaction, revision)?;
    transaction.commit()?;
    Ok(result)
}

/// No row means that the city is no longer the one that the caller has seen.
fn one(rows: usize) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::Busy) }
}
