//! The caches that a process knows by name, and the one that it uses where none is named.
//!
//! No global is required: every attribute takes `cache = <expression>`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use once_cell::sync::OnceCell;

use crate::{
    cache::Cache,
    error::{Error, ErrorKind, Result},
};

static DEFAULT: OnceCell<Cache> = OnceCell::new();
static NAMED: Mutex<Option<HashMap<String, &'static Cache>>> = Mutex::new(None);

impl Cache {
    /// Makes this the cache of every function that names no other. Call it first thing in
    /// `main`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the process has a default already: one was installed, or a
    /// cached function was called before and got the built-in one.
    pub fn install(self) -> Result<()> {
        DEFAULT.set(self).map_err(|_| {
            Error::new(
                ErrorKind::Config,
                "this process has a default cache already: install before the first cached call",
            )
        })
    }

    /// Makes this cache known as `name`, for `cache = "name"` in an attribute. Registered caches
    /// live as long as the process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the name is taken.
    pub fn register(self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let named = named.get_or_insert_default();
        if named.contains_key(&name) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("a cache is registered as `{name}` already: choose another name"),
            ));
        }
        named.insert(name, Box::leak(Box::new(self)));
        Ok(())
    }

    /// The cache registered as `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        #[cfg(feature = "testkit")]
        if let Some(cache) = crate::testkit::here::stand_in(Some(name)) {
            return Some(cache);
        }
        let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named.as_ref()?.get(name).copied()
    }
}

/// The default cache, made by `make` if none was installed.
pub fn default_or(make: fn() -> Cache) -> &'static Cache {
    #[cfg(feature = "testkit")]
    if let Some(cache) = crate::testkit::here::stand_in(None) {
        return cache;
    }
    DEFAULT.get_or_init(make)
}
