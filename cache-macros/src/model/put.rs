//! What may be asked of a function whose result is stored.

use proc_macro2::Span;
use syn::{
    Error, Expr, GenericArgument, LitInt, Path, PathArguments, Result, Type, spanned::Spanned,
};

use super::{
    Lifetime, Rules, check_async_only, check_output, response::returns_a_response, rules::Ret,
    write::Part,
};
use crate::{
    args::{CacheArg, PutArgs},
    codec,
    errors::Errors,
    function::{Function, Style},
    template::{Kind, Template},
};

/// One `#[cache_put]`, free of mistakes.
pub(crate) struct Put {
    pub(crate) krate: Option<Path>,
    pub(crate) output: Type,
    pub(crate) key: Template,
    pub(crate) ttl: Option<Lifetime>,
    pub(crate) tags: Vec<Template>,
    pub(crate) version: Option<u32>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: bool,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) condition: Option<Expr>,
    pub(crate) unless: Option<Expr>,
}

impl Part for Put {
    type Args = PutArgs;

    fn check(args: PutArgs, function: &Function, mut errors: Errors) -> Result<Self> {
        let output = function.output();
        let stays_here = args.local.is_some() || function.style == Style::Sync;
        if returns_a_response(&output) {
            let message = "a response is no value that a cached function reads: annotate the \
                           function that writes, or say `#[invalidate_cache(keys = [\"…\"])]`";
            errors.push(Error::new_spanned(&output, message));
        } else {
            errors.take(check_output(&output, stays_here));
        }
        check_async_only(
            function,
            args.codec.as_ref().map(Spanned::span),
            "a plain `fn` stores in this process only, so its values never become bytes: remove \
             `codec`",
            &mut errors,
        );
        if let Some(span) = nothing_in(&output) {
            let message = "there is nothing to store in what the function returns: return the \
                           value, or write `#[invalidate_cache(keys = [\"…\"])]`";
            errors.push(Error::new(span, message));
        }
        args.codec
            .as_ref()
            .and_then(|codec| errors.take(codec::check(codec)));
        if let (Some(codec), Some(_)) = (&args.codec, &args.local) {
            let both = "`codec` and `local` contradict each other: a local value never becomes \
                        bytes, so remove one of them";
            errors.push(Error::new_spanned(codec, both));
        }
        if args.key.is_none() && errors.all_was_read() {
            let message = "`key` is missing: say where the returned value is stored, such as \
                           `key = \"users:<ret.id>\"`";
            errors.push(Error::new(Span::call_site(), message));
        }
        let arguments = function.arguments();
        let mut rules = Rules {
            arguments: &arguments,
            ret: Ret::Known,
            errors,
        };
        let key = args.key.and_then(|key| rules.template(&key, Kind::Key));
        let tags = rules.templates(args.tags, Kind::Tag);
        if let Some(key) = &key {
            rules.groups(Some(key), &tags);
        }
        rules.hidden_ret(key.iter().chain(&tags).map(Template::awaits_ret));
        let ttl = rules.lifetime("ttl", args.ttl);
        let unless = rules.question("unless", args.unless);
        let version = args.version.as_ref().map(LitInt::base10_parse);
        let version = version.and_then(|version| rules.errors.take(version));
        let build = |key| Self {
            krate: args.krate,
            output,
            key,
            ttl,
            tags,
            version,
            codec: args.codec,
            local: args.local.is_some(),
            cache: args.cache,
            condition: args.condition,
            unless,
        };
        let put = rules.errors.finish(key.map(build))?;
        Ok(put.expect("without a key there is a mistake"))
    }
}

/// Where a type says that it holds no value: `()`, or `Result<(), …>` and the like.
fn nothing_in(output: &Type) -> Option<Span> {
    match output {
        Type::Tuple(unit) if unit.elems.is_empty() => Some(output.span()),
        Type::Never(_) => Some(output.span()),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let wraps = last.ident == "Result" || last.ident == "Option";
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) if wraps => {
                    match arguments.args.first()? {
                        GenericArgument::Type(value) => nothing_in(value),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        _ => None,
    }
}
