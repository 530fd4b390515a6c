//! What a program is told from outside, names and their values, and how a cache is made of it.

mod choice;
mod duration;
mod read;
mod register;

use std::{collections::BTreeMap, fmt};

pub use self::register::{BuiltIn, register};
use crate::{
    cache::{Cache, CacheBuilder},
    error::Result,
};

/// Names and their values: the environment of the process, or pairs that the program gives.
///
/// A value that is empty, or nothing but white space, counts as not set. `Debug` shows the names
/// only, and no error shows a value that may be a secret.
///
/// ```
/// use std::time::Duration;
/// use cache_core::Settings;
///
/// let settings = Settings::new([("SHOP_PAGE_TTL", "1h 30m"), ("SHOP_PAGES", "many")]);
/// assert_eq!(settings.duration("SHOP_PAGE_TTL")?, Some(Duration::from_secs(5_400)));
///
/// let wrong = settings.number("SHOP_PAGES", 1..=100).unwrap_err().to_string();
/// assert!(wrong.ends_with("`SHOP_PAGES` is `many`: write a whole number from 1 to 100"));
/// # cache_core::Result::<()>::Ok(())
/// ```
#[derive(Clone, Default)]
pub struct Settings {
    /// `None` is a value that is not text.
    values: BTreeMap<String, Option<String>>,
}

impl Settings {
    /// These names with these values, and nothing of the environment. Of a name that is given
    /// twice the later value counts.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs.into_iter();
        Self {
            values: pairs
                .map(|(name, value)| (name.into(), Some(value.into())))
                .collect(),
        }
    }

    /// The environment of the process as it is now.
    pub fn from_env() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()))
        };
        Self {
            values: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// The same with one more value, in place of the one that the name had: what the program says
    /// over what it was told.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), Some(value.into()));
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl CacheBuilder {
    /// A builder that is set up by the environment of the process: see
    /// [`from_settings`](Self::from_settings). What is called on it afterwards stands above the
    /// environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a variable has a value that cannot work;
    /// the text names it and says what to write.
    pub fn from_env() -> Result<Self> {
        Self::from_settings(&Settings::from_env())
    }

    /// A builder that is set up by settings: the store is the one that `CACHE_TYPE` names. Without
    /// it, it is `redis` if `REDIS_URL` or `REDIS_HOST` is set, `memcache` if `MEMCACHE_SERVERS`
    /// is, else `memory`. No connection is made, so a server that is away is no error.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        choice::builder(settings)
    }
}

impl Cache {
    /// The cache that the environment of the process describes: see
    /// [`CacheBuilder::from_settings`]. To say something in code as well, begin with
    /// [`CacheBuilder::from_env`].
    ///
    /// ```no_run
    /// # fn main() -> cache_core::Result<()> {
    /// // CACHE_TYPE=redis REDIS_HOST=cache.internal REDIS_PASSWORD=… CACHE_TTL=10m
    /// cache_core::Cache::from_env()?.install()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a variable has a value that cannot work;
    /// the text names it and says what to write. A server that is away is no error.
    pub fn from_env() -> Result<Self> {
        CacheBuilder::from_env()?.build()
    }

    /// The cache that these settings describe.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        CacheBuilder::from_settings(settings)?.build()
    }
}
