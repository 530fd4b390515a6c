//! What may be asked of a function that invalidates.

use proc_macro2::Span;
use syn::{Error, Path, Result};

use super::{Call, Rules, never, rules::Ret, write::Part};
use crate::{
    args::{CacheArg, InvalidateArgs, When},
    errors::Errors,
    function::Function,
    template::{Kind, Template},
};

/// One `#[invalidate_cache]`, free of mistakes.
pub(crate) struct Invalidate {
    pub(crate) krate: Option<Path>,
    pub(crate) prefixes: Vec<Template>,
    pub(crate) keys: Vec<Template>,
    pub(crate) tags: Vec<Template>,
    pub(crate) of: Vec<Call>,
    pub(crate) all: bool,
    pub(crate) when: When,
    pub(crate) cache: Option<CacheArg>,
}

impl Part for Invalidate {
    type Args = InvalidateArgs;

    fn check(args: InvalidateArgs, function: &Function, mut errors: Errors) -> Result<Self> {
        let groups = [
            ("prefix", args.prefix.is_some()),
            ("keys", args.keys.is_some()),
            ("tags", args.tags.is_some()),
        ];
        let mut given = groups.iter().filter_map(|(name, is)| is.then_some(*name));
        match (&args.all, given.next()) {
            (Some(all), Some(name)) => errors.push(Error::new_spanned(
                all,
                format!("`all` already covers `{name}`: remove one of them"),
            )),
            (None, None) if args.of.is_none() && errors.all_was_read() => errors.push(Error::new(
                Span::call_site(),
                "nothing to invalidate: give `prefix`, `keys`, `tags`, `of` or `all`",
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
            ret: match when {
                When::Before => Ret::TooEarly,
                When::Ok | When::Always => Ret::Known,
            },
            errors,
        };
        let prefixes = rules.templates(args.prefix, Kind::Prefix);
        let keys = rules.templates(args.keys, Kind::Key);
        let tags = rules.templates(args.tags, Kind::Tag);
        let of = rules.calls(args.of);
        let awaits = prefixes.iter().chain(&keys).chain(&tags);
        let awaits = awaits.map(Template::awaits_ret);
        rules.hidden_ret(awaits.chain(of.iter().map(Call::awaits_ret)));
        rules.errors.finish(Self {
            krate: args.krate,
            prefixes,
            keys,
            tags,
            of,
            all: args.all.is_some(),
            when,
            cache: args.cache,
        })
    }
}
