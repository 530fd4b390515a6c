//! Which store settings mean, and what is said for every store.

use super::{
    Settings,
    register::{BuiltIn, built_in, built_ins, factory, names},
};
use crate::{
    cache::{Cache, CacheBuilder},
    error::{Error, ErrorKind, Result},
};

const TYPE: &str = "CACHE_TYPE";
/// The store of who names none: the near tier alone. Every other has it in front, too.
const MEMORY: &str = "memory";

/// A builder with the store that is meant.
pub(super) fn builder(settings: &Settings) -> Result<CacheBuilder> {
    let meant = match settings.text(TYPE)? {
        Some(name) => {
            let name = name.trim().to_ascii_lowercase();
            if let Some(factory) = factory(&name) {
                return factory(settings);
            }
            built_in(&name).ok_or_else(|| unknown(settings, &name))?
        }
        None => implied(settings)?,
    };
    let add = meant.usable()?;
    let builder = settings.builder()?;
    if meant.name() == MEMORY {
        return Ok(builder);
    }
    add(settings, builder)
}

/// The store that the variables mean which are set.
fn implied(settings: &Settings) -> Result<&'static BuiltIn> {
    let mut meant: Vec<(&str, &BuiltIn)> = Vec::new();
    for built_in in built_ins() {
        let set = |name: &&&str| settings.is_set(name);
        if let Some(variable) = built_in.meant_by.iter().find(set) {
            meant.push((variable, built_in));
        }
    }
    meant.sort_unstable_by_key(|(variable, _)| *variable);
    match meant[..] {
        [] => built_in(MEMORY).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "`{TYPE}` is not set, and larder has no store of its own: switch on `moka`"
                ),
            )
        }),
        [(_, built_in)] => Ok(built_in),
        [(one, first), (other, second), ..] => Err(Error::new(
            ErrorKind::Config,
            format!(
                "`{one}` and `{other}` are both set: choose by `{TYPE}={}` or `{TYPE}={}`",
                first.name(),
                second.name()
            ),
        )),
    }
}

impl Settings {
    /// A builder with what is said for every store: `CACHE_NAMESPACE`, `CACHE_TTL`, and the near
    /// tier, which `CACHE_MAX_ENTRIES` bounds. What a [registered](super::register) factory adds its
    /// store to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if one of these cannot work.
    pub fn builder(&self) -> Result<CacheBuilder> {
        let mut builder = Cache::builder();
        if let Some(namespace) = self.text("CACHE_NAMESPACE")? {
            let namespace = namespace.trim();
            builder = builder.namespace(namespace);
            builder
                .check_namespace()
                .map_err(|error| error.within("`CACHE_NAMESPACE`"))?;
        }
        if let Some(ttl) = self.duration("CACHE_TTL")? {
            builder = builder.ttl(ttl);
        }
        match built_in(MEMORY) {
            Some(memory) if memory.add.is_some() || self.is_near_wanted()? => {
                memory.usable()?(self, builder)
            }
            _ => Ok(builder),
        }
    }

    /// Whether a near tier is asked for in so many words.
    fn is_near_wanted(&self) -> Result<bool> {
        let entries = self.number("CACHE_MAX_ENTRIES", 0..=u64::MAX)?;
        Ok(entries.is_some_and(|entries| entries > 0))
    }
}

fn unknown(settings: &Settings, name: &str) -> Error {
    let names = names();
    let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let all = all.join(", ");
    let instead = match nearest(name, &names) {
        Some(near) => format!("there is no such store, did you mean `{near}`? there are {all}"),
        None => format!("there is no such store: write one of {all}"),
    };
    settings.refuse(
        TYPE,
        &format!("{instead}; a store of your own is registered before, by `larder::register`"),
    )
}

/// The name that somebody may have meant.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let distances = names.iter().map(|known| (distance(name, known), known));
    let (distance, known) = distances.min()?;
    (distance <= known.len() / 2).then_some(known)
}

/// How many characters have to be changed, put in or left out to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
