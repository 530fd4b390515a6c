//! Which names `CACHE_TYPE` may have: those of larder's own stores, and those that programs register.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Settings;
use crate::{
    cache::CacheBuilder,
    error::{Error, ErrorKind, Result},
};

type Factory = Arc<dyn Fn(&Settings) -> Result<CacheBuilder> + Send + Sync>;

static REGISTERED: Mutex<BTreeMap<String, Factory>> = Mutex::new(BTreeMap::new());

/// Makes `CACHE_TYPE=name` mean the cache that `factory` describes, for
/// [`Cache::from_env`](crate::Cache::from_env) and all that reads settings. Register first thing in
/// `main`.
///
/// The factory begins with [`Settings::builder`], to which it adds its store, so that `CACHE_TTL`,
/// `CACHE_NAMESPACE` and `CACHE_MAX_ENTRIES` mean what they mean for every store. What else it needs
/// it reads from the settings, under names of its own.
///
/// ```
/// # #[cfg(feature = "testkit")] {
/// use cache_core::{Cache, Settings, register};
/// # use cache_core::testkit::MemoryFar as OurStore;
///
/// register("ours", |settings| {
///     // let directory = settings.required("OURS_DIRECTORY", "write the path of a directory")?;
///     Ok(settings.builder()?.far(OurStore::default()))
/// })?;
///
/// let cache = Cache::from_settings(&Settings::new([("CACHE_TYPE", "ours")]))?;
/// # }
/// # cache_core::Result::<()>::Ok(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] if the name is taken, or is not of small letters, digits, `-` and `_`.
pub fn register(
    name: impl Into<String>,
    factory: impl Fn(&Settings) -> Result<CacheBuilder> + Send + Sync + 'static,
) -> Result<()> {
    let name = name.into();
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(fine) {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "a store cannot be called `{}`: choose small letters, digits, `-` and `_`",
                name.escape_debug()
            ),
        ));
    }
    let mut registered = registered();
    if built_in(&name).is_some() || registered.contains_key(&name) {
        return Err(Error::new(
            ErrorKind::Config,
            format!("a store is registered as `{name}` already: choose another name"),
        ));
    }
    registered.insert(name, Arc::new(factory));
    Ok(())
}

/// One of larder's own stores, as it is known when the program is linked.
pub struct BuiltIn {
    /// What `CACHE_TYPE` calls it: its name first, then its other names.
    pub names: &'static [&'static str],
    /// The variables of which any one means this store where `CACHE_TYPE` says nothing.
    pub meant_by: &'static [&'static str],
    /// The feature without which it cannot be used.
    pub feature: &'static str,
    /// Adds the store to a builder that has all that is said for every store; `None` without the
    /// feature.
    pub add: Option<Add>,
}

type Add = fn(&Settings, CacheBuilder) -> Result<CacheBuilder>;

inventory::collect!(BuiltIn);

impl BuiltIn {
    pub(super) fn name(&self) -> &'static str {
        self.names[0]
    }

    /// How to add the store.
    pub(super) fn usable(&self) -> Result<Add> {
        self.add.ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "the store `{}` needs a feature of larder: switch on `{}`",
                    self.name(),
                    self.feature
                ),
            )
        })
    }
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn")
            .field("names", &self.names)
            .field("usable", &self.add.is_some())
            .finish_non_exhaustive()
    }
}

/// All of larder's own stores.
pub(super) fn built_ins() -> impl Iterator<Item = &'static BuiltIn> {
    inventory::iter::<BuiltIn>.into_iter()
}

pub(super) fn built_in(name: &str) -> Option<&'static BuiltIn> {
    built_ins().find(|built_in| built_in.names.contains(&name))
}

/// The factory of this name, to be called when nothing is locked.
pub(super) fn factory(name: &str) -> Option<Factory> {
    registered().get(name).cloned()
}

/// All names there are, sorted, without the second names of stores.
pub(super) fn names() -> Vec<String> {
    let built_in = built_ins().map(|built_in| built_in.name().to_owned());
    let mut names: Vec<String> = built_in.chain(registered().keys().cloned()).collect();
    names.sort_unstable();
    names
}

fn registered() -> MutexGuard<'static, BTreeMap<String, Factory>> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}
