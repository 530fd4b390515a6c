//! Which store settings mean, and what is said for every store.

use super::{
    Settings,
    register::{BuiltIn, built_in, built_ins, factory, names},
};
use crate::{
    cache::{Cache, CacheBuilder},
    error::{Error, ErrorKind, Result},
    names::NAMESPACE,
    spelling::slips,
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
            if builder.check_namespace().is_err() {
                return Err(self.refuse("CACHE_NAMESPACE", NAMESPACE));
            }
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
    let distances = names.iter().map(|known| (slips(name, known), known));
    let (distance, known) = distances.min()?;
    (distance <= known.len() / 2).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    // As larder's own stores are without their features.
    inventory::submit! {
        BuiltIn { names: &["memory"], meant_by: &[], feature: "shelf", add: None }
    }
    inventory::submit! {
        BuiltIn { names: &["far", "afar"], meant_by: &["FAR_HOST"], feature: "ship", add: None }
    }

    fn words<const N: usize>(pairs: [(&str, &str); N]) -> String {
        let error = CacheBuilder::from_settings(&Settings::new(pairs)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn a_store_without_its_feature_names_the_feature() {
        let ship = "the store `far` needs a feature of larder: switch on `ship`";
        for pair in [
            ("CACHE_TYPE", "far"),
            ("CACHE_TYPE", "afar"),
            ("FAR_HOST", "a"),
        ] {
            assert!(words([pair]).ends_with(ship), "{pair:?}");
        }
        let shelf = "the store `memory` needs a feature of larder: switch on `shelf`";
        assert!(words([("CACHE_TTL", "60")]).ends_with(shelf));
    }

    #[test]
    fn without_the_near_tiers_feature_a_builder_has_none_unless_its_size_is_said() {
        let builder = Settings::new([("CACHE_TTL", "60")]).builder();
        assert!(format!("{:?}", builder.unwrap()).contains("near: None"));
        let builder = Settings::new([("CACHE_MAX_ENTRIES", "0")]).builder();
        assert!(builder.is_ok());
        let error = Settings::new([("CACHE_MAX_ENTRIES", "9")])
            .builder()
            .unwrap_err();
        assert!(error.to_string().ends_with("switch on `shelf`"), "{error}");
    }

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        let names = ["memory", "redis", "redis-cluster"].map(str::to_owned);
        assert_eq!(nearest("redsi", &names), Some("redis"));
        assert_eq!(nearest("memroy", &names), Some("memory"));
        assert_eq!(nearest("rediscluster", &names), Some("redis-cluster"));
        assert_eq!(nearest("sqlite", &names), None);
        assert_eq!(
            (
                slips("", "abc"),
                slips("abc", "abc"),
                slips("kitten", "sitting")
            ),
            (3, 0, 3)
        );
    }
}
