//! What may be asked of a function that invalidates.

use proc_macro2::{Span, TokenStream};
use syn::{Error, Path, Result};

use super::{Rules, never, parse_both};
use crate::{
    args::{CacheArg, InvalidateArgs, When},
    function::Function,
    template::{Kind, Template},
};

/// A function that invalidates, free of mistakes.
pub(crate) struct Invalidate {
    pub(crate) krate: Option<Path>,
    pub(crate) function: Function,
    pub(crate) prefixes: Vec<Template>,
    pub(crate) keys: Vec<Template>,
    pub(crate) tags: Vec<Template>,
    pub(crate) all: bool,
    pub(crate) when: When,
    pub(crate) cache: Option<CacheArg>,
}

impl Invalidate {
    /// Checks `#[invalidate_cache(args)] item`. The error holds every mistake there is.
    pub(crate) fn check(args: TokenStream, item: &TokenStream) -> Result<Self> {
        let (args, function, mut errors) = parse_both::<InvalidateArgs>(args, item)?;
        let groups = [
            ("prefix", &args.prefix),
            ("keys", &args.keys),
            ("tags", &args.tags),
        ];
        let mut given = groups
            .iter()
            .filter_map(|(name, many)| many.as_ref().map(|_| *name));
        match (&args.all, given.next()) {
            (Some(all), Some(name)) => errors.push(Error::new_spanned(
                all,
                format!("`all` already covers `{name}`: remove one of them"),
            )),
            (None, None) => errors.push(Error::new(
                Span::call_site(),
                "nothing to invalidate: give `prefix`, `keys`, `tags` or `all`",
            )),
            _ => {}
        }
        let when = args.when.unwrap_or_default();
        if let (Some(never), When::Ok | When::Always) = (never(&function.output()), when) {
            let message = "a function that never returns invalidates nothing after it: write \
                           `when = before`";
            errors.push(Error::new(never, message));
        }
        let arguments = function.arguments();
        let mut rules = Rules {
            arguments: &arguments,
            errors,
        };
        let prefixes = rules.templates(args.prefix, Kind::Prefix);
        let keys = rules.templates(args.keys, Kind::Key);
        let tags = rules.templates(args.tags, Kind::Tag);
        rules.errors.finish(Self {
            krate: args.krate,
            function,
            prefixes,
            keys,
            tags,
            all: args.all.is_some(),
            when,
            cache: args.cache,
        })
    }
}
