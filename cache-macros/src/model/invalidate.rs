//! What may be asked of a function that invalidates.

use proc_macro2::{Ident, Span};
use syn::{Error, Path, Result};

use super::{Call, Rules, never, rules::Ret, write::Part};
use crate::{
    args::{CacheArg, InvalidateArgs, When},
    errors::Errors,
    function::{Function, Style},
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
    pub(crate) strict: bool,
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
        if let Some(strict) = &args.strict {
            check_strict(strict, args.when.as_ref(), function, &mut errors);
        }
        let when = args.when.map_or_else(When::default, |(_, when)| when);
        if let (Some(never), When::Ok | When::Always) = (never(&function.output()), when) {
            let message = "a function that never returns invalidates nothing after it: write \
                           `when = before`";
            errors.push(Error::new(never, message));
        }
        let arguments = function.arguments();
        let mut rules = Rules {
            arguments: &arguments,
            ret: match (when, &args.strict) {
                (_, Some(_)) => Ret::TooEarly("strict"),
                (When::Before, _) => Ret::TooEarly("when = before"),
                (When::Ok | When::Always, _) => Ret::Known,
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
            strict: args.strict.is_some(),
            cache: args.cache,
        })
    }
}

/// A strict invalidation has a phase before the function and one after it, and both are waited
/// for.
fn check_strict(
    strict: &Ident,
    when: Option<&(Ident, When)>,
    function: &Function,
    errors: &mut Errors,
) {
    if let Some((when, _)) = when {
        let message = "`strict` invalidates before the function and after it, whatever it \
                       returns: remove `when`";
        errors.push(Error::new_spanned(when, message));
    }
    if function.style == Style::Sync {
        let message = "`strict` waits for the far tier, and a plain `fn` cannot: write `async fn`";
        errors.push(Error::new_spanned(strict, message));
    }
}
