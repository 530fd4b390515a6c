//! What may be asked of a cached function.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Error, LitInt, Path, Result, Type, spanned::Spanned};

use super::{
    Batch, Choices, Response, Rules, check_async_only, check_output, companion::companion,
    parse_both, response::is_response, rules::Ret,
};
use crate::{
    args::{CacheArg, CachedArgs, Names, Options},
    codec,
    errors::Errors,
    function::{Function, Style},
    template::{Kind, Template},
};

/// A cached function, free of mistakes.
pub(crate) struct Cached {
    pub(crate) krate: Option<Path>,
    pub(crate) function: Function,
    pub(crate) output: Type,
    /// What makes it a handler, if it is one.
    pub(crate) response: Option<Response>,
    pub(crate) choices: Choices,
    pub(crate) version: Option<u32>,
    pub(crate) local: bool,
    pub(crate) key: Key,
    pub(crate) tags: Vec<Template>,
    pub(crate) codec: Option<Path>,
    pub(crate) cache: Option<CacheArg>,
    /// Whether there is a companion beside the function.
    pub(crate) companion: bool,
    /// Arguments that stand in keys as hashes only.
    pub(crate) sensitive: Vec<Ident>,
    /// The list whose elements are asked for together.
    pub(crate) batch: Option<Batch>,
    /// Arguments that the key leaves out, each with what to say about it.
    pub(crate) left_out: Vec<(Ident, String)>,
}

pub(crate) enum Key {
    Template(Template),
    /// The function's path and these arguments.
    Default(Vec<Ident>),
}

impl Cached {
    /// The function of an attribute with mistakes, as if it had but the options that decide what
    /// stands beside it; `None` if it cannot be cached at all.
    pub(crate) fn bare(args: &TokenStream, item: &TokenStream) -> Option<Self> {
        let CachedArgs {
            companion,
            krate,
            batch,
            ..
        } = CachedArgs::read(args.clone(), &mut Errors::default());
        let companion = match batch {
            None => companion.map(|wish| quote!(companion = #wish,)),
            Some(_) => Some(quote!(companion = false,)),
        };
        let krate = krate.map(|krate| quote!(crate = #krate));
        Self::check(&quote!(#companion #krate), item).ok()
    }

    /// Checks `#[cached(args)] item`. The error holds every mistake there is.
    pub(crate) fn check(args: &TokenStream, item: &TokenStream) -> Result<Self> {
        let (mut args, mut function, mut errors) = parse_both::<CachedArgs>(args.clone(), item)?;
        function.allow_recursion();
        cached_twice(&function, &mut errors);
        let output = function.output();
        let is_response = is_response(&function, &args, &mut errors);
        // `local` may be among what could not be read.
        let stays_here =
            args.local.is_some() || function.style == Style::Sync || !errors.all_was_read();
        if !is_response {
            errors.take(check_output(&output, stays_here));
        }
        check_async_only(
            &function,
            args.codec.as_ref().map(Spanned::span),
            "a plain `fn` is cached in this process only, so its values never become bytes: remove \
             `codec`",
            &mut errors,
        );
        args.codec
            .as_ref()
            .and_then(|codec| errors.take(codec::check(codec)));
        if let (Some(codec), Some(_)) = (&args.codec, &args.local) {
            let both = "`codec` and `local` contradict each other: a local value never becomes \
                        bytes, so remove one of them";
            errors.push(Error::new_spanned(codec, both));
        }
        check_async_only(
            &function,
            args.batch.as_ref().map(Spanned::span),
            "a plain `fn` is not asked for several values together: remove `batch`",
            &mut errors,
        );
        let companion = errors.take(companion(args.companion.as_ref(), &function, is_response));
        let arguments = function.arguments();
        let mut rules = Rules {
            arguments: &arguments,
            ret: Ret::Unknowable,
            errors,
        };
        rules.batch_choices(&args, is_response);
        let choices = rules.choices(&mut args);
        let mut key = args.key.and_then(|key| rules.template(&key, Kind::Key));
        let mut tags = rules.templates(args.tags, Kind::Tag);
        let skip = args.skip.map_or_else(Vec::new, |Names(names)| names);
        rules.skip(&skip, key.as_ref());
        let sensitive = args.sensitive.map_or_else(Vec::new, |Names(names)| names);
        rules.sensitive(&sensitive, &skip, key.iter_mut().chain(&mut tags));
        rules.groups(key.as_ref(), &tags);
        let batch = args
            .batch
            .and_then(|list| rules.batch(&list, &function.sig, &skip, key.as_ref()));
        let shared = args.shared.is_some();
        let is_known = is_response && rules.errors.all_was_read();
        let response = is_known.then(|| rules.response(&function, shared, key.as_ref(), &skip));
        let mut left_out = key
            .as_ref()
            .map_or_else(Vec::new, |key| rules.left_out(key, &skip));
        if shared {
            rules.declared(&mut left_out);
        }
        let key = key.map_or_else(|| rules.default_key(&skip, is_response), Key::Template);
        let version = args.version.as_ref().map(LitInt::base10_parse);
        let version = version.and_then(|version| rules.errors.take(version));
        rules.errors.finish(Self {
            krate: args.krate,
            function,
            output,
            response,
            choices,
            version,
            local: args.local.is_some(),
            key,
            tags,
            codec: args.codec,
            cache: args.cache,
            companion: companion.unwrap_or_default() && batch.is_none(),
            sensitive,
            batch,
            left_out,
        })
    }
}

/// Reports a second attribute of this name below the first: which cache would answer, and whose
/// companion would it be?
fn cached_twice(function: &Function, errors: &mut Errors) {
    let is_ours = |attribute: &&Attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "cached")
    };
    if let Some(again) = function.outer.iter().find(is_ours) {
        let message = "the function is cached already, by the attribute above: write the options \
                       of both there, and remove this one";
        errors.push(Error::new_spanned(again.path(), message));
    }
}
