//! The rules: what may be asked of which function, and every mistake in it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Lit, LitInt, LitStr, Path, Result, Type, ext::IdentExt, parse::Parse, parse2};

use crate::{
    args::{CacheArg, CachedArgs, InvalidateArgs, Many, Names, When},
    duration,
    errors::Errors,
    function::{Argument, Function, mentions},
    nearest::did_you_mean,
    template::{self, Kind, Piece, Template},
};

/// The groups that a key can have: the namespace, its proper prefixes, and its tags.
const MAX_GROUPS: usize = 16;

/// The proper prefixes of a default key: the function, and what owns it.
const DEFAULT_PREFIXES: usize = 2;

/// A cached function, free of mistakes.
pub(crate) struct Cached {
    pub(crate) krate: Option<Path>,
    pub(crate) function: Function,
    pub(crate) output: Type,
    pub(crate) ttl: Option<u64>,
    pub(crate) none_ttl: Option<u64>,
    pub(crate) version: Option<u32>,
    pub(crate) local: bool,
    pub(crate) key: Key,
    pub(crate) tags: Vec<Template>,
    pub(crate) codec: Option<Path>,
    pub(crate) cache: Option<CacheArg>,
    /// Arguments that the key leaves out, each with what to say about it.
    pub(crate) left_out: Vec<(Ident, String)>,
}

pub(crate) enum Key {
    Template(Template),
    /// The function's path and these arguments.
    Default(Vec<Ident>),
}

impl Cached {
    /// Checks `#[cached(args)] item`. The error holds every mistake there is.
    pub(crate) fn check(args: TokenStream, item: &TokenStream) -> Result<Self> {
        let (args, function, mut errors) = parse_both::<CachedArgs>(args, item)?;
        let output = function.output();
        errors.take(check_output(&output, args.local.is_some()));
        if let (Some(codec), Some(_)) = (&args.codec, &args.local) {
            let both = "`codec` and `local` contradict each other: a local value never becomes \
                        bytes, so remove one of them";
            errors.push(Error::new_spanned(codec, both));
        }
        let arguments = function.arguments();
        let mut rules = Rules {
            arguments: &arguments,
            errors,
        };
        let key = args.key.and_then(|key| rules.template(&key, Kind::Key));
        let tags = rules.templates(args.tags, Kind::Tag);
        let skip = args.skip.map_or_else(Vec::new, |Names(names)| names);
        rules.skip(&skip, key.as_ref());
        rules.groups(key.as_ref(), &tags);
        let left_out = key.as_ref().map(|key| rules.left_out(key, &skip));
        let key = key.map_or_else(|| rules.default_key(&skip), Key::Template);
        let ttl = rules.millis(args.ttl.as_ref());
        let none_ttl = rules.millis(args.none_ttl.as_ref());
        let version = args.version.as_ref().map(LitInt::base10_parse);
        let version = version.and_then(|version| rules.errors.take(version));
        rules.errors.finish(Self {
            krate: args.krate,
            function,
            output,
            ttl,
            none_ttl,
            version,
            local: args.local.is_some(),
            key,
            tags,
            codec: args.codec,
            cache: args.cache,
            left_out: left_out.unwrap_or_default(),
        })
    }
}

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
            when: args.when.unwrap_or_default(),
            cache: args.cache,
        })
    }
}

/// Parses the options and the item, so that the mistakes of both are shown.
fn parse_both<A: Parse>(args: TokenStream, item: &TokenStream) -> Result<(A, Function, Errors)> {
    let mut errors = Errors::default();
    let args = errors.take(parse2(args));
    let function: Option<Function> = errors.take(parse2(item.clone()));
    if let Some(Function { sig, .. }) = &function
        && sig.asyncness.is_none()
    {
        let message = format!(
            "only an `async fn` can be annotated: write `async fn {}`",
            sig.ident
        );
        errors.push(Error::new_spanned(sig.fn_token, message));
    }
    match (args, function) {
        (Some(args), Some(function)) => Ok((args, function, errors)),
        _ => Err(errors.finish(()).expect_err("one of them did not parse")),
    }
}

/// A cached value has a type that can be named, and owns its data.
fn check_output(output: &Type, local: bool) -> Result<()> {
    let tokens = output.to_token_stream();
    let named = |names: &'static [&str]| move |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if names.iter().any(|name| ident == name));
    if mentions(tokens.clone(), &named(&["impl"])) {
        let message = "a cached type has a name: write it instead of `impl …`, or `Box<dyn …>`";
        return Err(Error::new_spanned(output, message));
    }
    // What a function type borrows are the arguments of that function.
    if mentions(tokens.clone(), &named(&["fn", "Fn", "FnMut", "FnOnce"])) {
        return Ok(());
    }
    if let Some(span) = borrow(tokens, local) {
        let message = if local {
            "a cached value outlives the call, so it cannot borrow from it: return an owned type, \
             such as `String` or `Arc<str>` for `&str`"
        } else {
            "a cached value is made anew from bytes, so it cannot borrow: return an owned type, \
             such as `String` or `Arc<str>` for `&str`; with `local` it may be `'static`"
        };
        return Err(Error::new(span, message));
    }
    Ok(())
}

/// Where a type borrows: a reference, or a lifetime other than `'static`. With `statics`, a
/// reference may live for ever too.
fn borrow(tokens: TokenStream, statics: bool) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match (&token, tokens.peek()) {
            (TokenTree::Group(group), _) => borrow(group.stream(), statics),
            // The lifetime of a reference comes next and is looked at by itself.
            (TokenTree::Punct(and), Some(TokenTree::Punct(next)))
                if statics && and.as_char() == '&' && next.as_char() == '\'' =>
            {
                None
            }
            (TokenTree::Punct(and), _) if and.as_char() == '&' => Some(and.span()),
            (TokenTree::Punct(quote), Some(TokenTree::Ident(name)))
                if quote.as_char() == '\'' && name != "static" =>
            {
                Some(name.span())
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The rules that need the names of the signature.
struct Rules<'a> {
    arguments: &'a [Argument],
    errors: Errors,
}

impl Rules<'_> {
    fn templates(&mut self, many: Option<Many>, kind: Kind) -> Vec<Template> {
        let literals = many.map_or_else(Vec::new, |Many(literals)| literals);
        literals
            .iter()
            .filter_map(|literal| self.template(literal, kind))
            .collect()
    }

    /// Parses a template and finds its placeholders in the signature.
    fn template(&mut self, literal: &LitStr, kind: Kind) -> Option<Template> {
        let mut template = self.errors.take(template::parse(literal, kind))?;
        for piece in &mut template.pieces {
            if let Piece::Value(value) = piece {
                match self.find(&value.root) {
                    Some(argument) => value.root = argument.ident.clone(),
                    None => self.unknown(&value.root.to_string(), literal.span()),
                }
            }
        }
        Some(template)
    }

    fn find(&self, name: &Ident) -> Option<&Argument> {
        self.arguments
            .iter()
            .find(|argument| argument.ident.unraw() == name.unraw())
    }

    /// Says that there is no such parameter, and which there are.
    fn unknown(&mut self, wrong: &str, span: Span) {
        let names: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| argument.ident.unraw().to_string())
            .collect();
        let hint = did_you_mean(wrong, names.iter().map(String::as_str));
        let has = match names.len() {
            0 => "it has none".to_owned(),
            _ => format!("it has `{}`", names.join("`, `")),
        };
        let message = format!("the function has no parameter `{wrong}`; {has}{hint}");
        self.errors.push(Error::new(span, message));
    }

    /// Skipped names exist, once, and are not in the key.
    fn skip(&mut self, skip: &[Ident], key: Option<&Template>) {
        for (i, name) in skip.iter().enumerate() {
            if self.find(name).is_none() {
                self.unknown(&name.unraw().to_string(), name.span());
            }
            if skip[..i].contains(name) {
                let message = format!("`{name}` is skipped twice");
                self.errors.push(Error::new_spanned(name, message));
            }
            if key.is_some_and(|key| uses(key, name)) {
                let message = format!("`{name}` is in `skip` and in `key`: remove one of them");
                self.errors.push(Error::new_spanned(name, message));
            }
        }
    }

    fn groups(&mut self, key: Option<&Template>, tags: &[Template]) {
        let prefixes = key.map_or(DEFAULT_PREFIXES, |key| key.separators);
        let groups = 1 + prefixes + tags.len();
        if groups > MAX_GROUPS {
            let last = tags
                .last()
                .or(key)
                .expect("the namespace alone is one group");
            let message = format!(
                "a key has at most {MAX_GROUPS} groups and this one has {groups}: its namespace, \
                 {prefixes} prefixes by segment and {} tags",
                tags.len(),
            );
            self.errors.push(Error::new(last.span, message));
        }
    }

    /// The arguments that ask for something and are neither in the key nor skipped.
    fn left_out(&self, key: &Template, skip: &[Ident]) -> Vec<(Ident, String)> {
        let asks = |argument: &&Argument| {
            let name = argument.ident.unraw();
            !argument.serves && !uses(key, &name) && !skip.iter().any(|skip| skip.unraw() == name)
        };
        let report = |argument: &Argument| {
            let name = argument.ident.unraw();
            let message = format!(
                "calls that differ in `{name}` share an entry, because the key `{}` leaves it out: \
                 add `<{name}>` to `key`, or say `skip({name})`",
                key.text,
            );
            (argument.ident.clone(), message)
        };
        self.arguments.iter().filter(asks).map(report).collect()
    }

    fn default_key(&self, skip: &[Ident]) -> Key {
        let idents = self.arguments.iter().map(|argument| &argument.ident);
        let kept = idents.filter(|ident| !skip.iter().any(|skip| skip.unraw() == ident.unraw()));
        Key::Default(kept.cloned().collect())
    }

    fn millis(&mut self, duration: Option<&Lit>) -> Option<u64> {
        duration.and_then(|duration| self.errors.take(duration::millis(duration)))
    }
}

/// Whether a placeholder of `template` is `name` or a part of it.
fn uses(template: &Template, name: &Ident) -> bool {
    template.pieces.iter().any(|piece| match piece {
        Piece::Value(value) => value.root.unraw() == name.unraw(),
        Piece::Literal(_) => false,
    })
}
