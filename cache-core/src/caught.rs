//! What can be done with the entry of a cached function that was captured before it ran.

use std::{any::type_name, fmt, time::Duration};

use crate::{
    block::block_on,
    cache::{Cache, Change},
    codec::Table,
    entry::Live,
    error::{Error, ErrorKind, Result},
    event,
    outcome::Loaded,
    purge::Purge,
    shape::Shape,
    site::Miss,
};

/// A cached function that was captured: its key, where its values lie, and how they are kept.
pub(crate) struct Caught {
    pub(crate) miss: Box<Miss>,
    pub(crate) shape: Box<dyn Shape>,
    pub(crate) table: &'static Table,
}

/// A value or an absence, and how long it is kept, if it is.
pub(crate) type Kept = (Option<Live>, Option<Duration>);

impl Caught {
    /// The key of the call.
    pub(crate) fn key(&self) -> &str {
        &self.miss.key
    }

    /// The cache of the call.
    pub(crate) fn cache(&self) -> &Cache {
        &self.miss.cache
    }

    /// What the function would return from the cache; `None` if it would have to run.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`](crate::Cache::get); [`ErrorKind::Config`] if the function returns
    /// something else than an `R`.
    pub(crate) async fn peek<R: 'static>(&self) -> Result<Option<R>> {
        let call = self.miss.call(self.table);
        let accepts = |loaded: &_| self.shape.can_join(loaded);
        let Some(loaded) = call.find(&accepts).await? else {
            return Ok(None);
        };
        if !self.shape.can_join(&loaded) {
            // A remembered absence is nothing to a function that cannot return one.
            if matches!(loaded, Loaded::Value(..)) {
                event::other_type(call.function, call.key.text, call.table.type_name());
            }
            return Ok(None);
        }
        let mut output = None::<R>;
        if !self.shape.join_any(loaded, &mut output) {
            return Err(self.other_type::<R>());
        }
        Ok(output)
    }

    /// Stores what is [`kept`](Self::kept).
    ///
    /// # Errors
    ///
    /// As [`Cache::set`](crate::Cache::set).
    pub(crate) async fn store(&self, (value, ttl): Kept) -> Result<()> {
        let call = self.miss.call(self.table);
        match ttl {
            Some(ttl) => call.set(value, ttl).await,
            None => self.invalidate().await,
        }
    }

    /// The same from a thread that blocks, for a function whose values lie in this process.
    pub(crate) fn store_blocking(&self, (value, ttl): Kept) -> Result<()> {
        let call = self.miss.call(self.table);
        if let Some(ttl) = ttl {
            return block_on(call.set(value, ttl));
        }
        self.invalidate_blocking();
        Ok(())
    }

    /// What the function would keep, had it returned this. What it would not keep empties the
    /// entry instead.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the function returns something else than an `R`.
    pub(crate) fn kept<R: 'static>(&self, output: R) -> Result<Kept> {
        let Some(loaded) = self.shape.split_any(&mut Some(output)) else {
            return Err(self.other_type::<R>());
        };
        let call = self.miss.call(self.table);
        Ok(match loaded {
            Loaded::Value(live, keep) => (Some(live), keep.ttl(call.ttl())),
            Loaded::Absent => (None, call.policy.none_ttl),
            Loaded::Failed(_) => (None, None),
        })
    }

    /// Removes the entry from all tiers.
    ///
    /// # Errors
    ///
    /// As [`Cache::remove`](crate::Cache::remove).
    pub(crate) async fn invalidate(&self) -> Result<()> {
        let change = Change::default().key(self.key());
        self.miss.cache.0.invalidate(&change).await
    }

    /// The same for a thread that blocks.
    pub(crate) fn invalidate_blocking(&self) {
        let purge = Purge::new(&self.miss.cache).key(|key| key.literal(self.key()));
        purge.run_blocking();
    }

    fn other_type<R>(&self) -> Error {
        Error::new(
            ErrorKind::Config,
            format!(
                "`{}` returns something else than `{}`: give its call alone, not a future that \
                 makes something of it",
                self.miss.site.path,
                type_name::<R>(),
            ),
        )
    }
}

impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caught")
            .field("template", &self.miss.site.template)
            .finish_non_exhaustive()
    }
}
