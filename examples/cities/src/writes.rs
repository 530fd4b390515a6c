//! How a change is made from beginning to end, whatever happens to the client that asked for it.

use crate::{Catalogue, City, Draft, Error, Result};

/// How often a change is tried anew when others change the same city in between.
const ATTEMPTS: usize = 20;

pub(crate) async fn create(catalogue: impl Catalogue, draft: Draft) -> Result<City> {
    to_the_end(async move {
        // The id comes first, so that the change can name what it invalidates: somebody may
        // have asked for this id just now, and hold the answer that it does not exist.
        let id = catalogue.db().next_id().await?;
        catalogue.create(id, &draft).await
    })
    .await
}

pub(crate) async fn update(catalogue: impl Catalogue, id: u32, draft: Draft) -> Result<City> {
    to_the_end(async move {
        for _ in 0..ATTEMPTS {
            let before = current(&catalogue, id).await?;
            match catalogue.update(&before, &draft).await {
                Err(Error::Busy) => {}
                done => return done,
            }
        }
        Err(Error::Busy)
    })
    .await
}

pub(crate) async fn delete(catalogue: impl Catalogue, id: u32) -> Result<u32> {
    to_the_end(async move {
        for _ in 0..ATTEMPTS {
            let before = current(&catalogue, id).await?;
            match catalogue.delete(&before).await {
                Err(Error::Busy) => {}
                done => return done,
            }
        }
        Err(Error::Busy)
    })
    .await
}

/// The city that is to change, from the database itself: a cached one may be older.
async fn current(catalogue: &impl Catalogue, id: u32) -> Result<City> {
    catalogue
        .db()
        .latest(id)
        .await?
        .ok_or(Error::Missing("city"))
}

/// Runs a change in a task of its own. A handler is dropped when its client goes away; the
/// transaction would then commit in its thread *after* the invalidation, and old answers stay.
async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(change).await?
}
