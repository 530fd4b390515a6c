//! The grammar of the attributes' options.

use proc_macro2::Ident;
use syn::{
    Error, Expr, Lit, LitInt, LitStr, Path, Result, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Lookahead1, Parse, ParseStream},
    punctuated::Punctuated,
};

use crate::{duration, nearest::did_you_mean};

mod kw {
    use syn::custom_keyword;

    custom_keyword!(all);
    custom_keyword!(cache);
    custom_keyword!(codec);
    custom_keyword!(key);
    custom_keyword!(keys);
    custom_keyword!(local);
    custom_keyword!(none_ttl);
    custom_keyword!(prefix);
    custom_keyword!(skip);
    custom_keyword!(tags);
    custom_keyword!(ttl);
    custom_keyword!(version);
    custom_keyword!(when);

    custom_keyword!(ok);
    custom_keyword!(always);
    custom_keyword!(before);
}

/// The options of `#[cached]` as they were written.
#[derive(Default)]
pub(crate) struct CachedArgs {
    pub(crate) ttl: Option<Lit>,
    pub(crate) none_ttl: Option<Lit>,
    pub(crate) key: Option<LitStr>,
    pub(crate) tags: Option<Many>,
    pub(crate) skip: Option<Names>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) krate: Option<Path>,
}

impl Parse for CachedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            // `lookahead` collects what it was asked for, so that the error lists every option
            // there is, and this is the only list of them.
            let option = input.lookahead1();
            if option.peek(kw::ttl) {
                assign(input, &mut args.ttl, duration)?;
            } else if option.peek(kw::none_ttl) {
                assign(input, &mut args.none_ttl, duration)?;
            } else if option.peek(kw::key) {
                assign(input, &mut args.key, Parse::parse)?;
            } else if option.peek(kw::tags) {
                assign(input, &mut args.tags, Parse::parse)?;
            } else if option.peek(kw::skip) {
                set(input, &mut args.skip, Parse::parse)?;
            } else if option.peek(kw::version) {
                assign(input, &mut args.version, Parse::parse)?;
            } else if option.peek(kw::codec) {
                assign(input, &mut args.codec, Path::parse_mod_style)?;
            } else if option.peek(kw::local) {
                flag(input, &mut args.local)?;
            } else if option.peek(kw::cache) {
                assign(input, &mut args.cache, Parse::parse)?;
            } else if option.peek(Token![crate]) {
                assign(input, &mut args.krate, Path::parse_mod_style)?;
            } else {
                return Err(unknown(input, option));
            }
            comma(input)?;
        }
        Ok(args)
    }
}

/// The options of `#[invalidate_cache]` as they were written.
#[derive(Default)]
pub(crate) struct InvalidateArgs {
    pub(crate) prefix: Option<Many>,
    pub(crate) keys: Option<Many>,
    pub(crate) tags: Option<Many>,
    pub(crate) all: Option<Ident>,
    pub(crate) when: Option<When>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) krate: Option<Path>,
}

impl Parse for InvalidateArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let option = input.lookahead1();
            if option.peek(kw::prefix) {
                assign(input, &mut args.prefix, Parse::parse)?;
            } else if option.peek(kw::keys) {
                assign(input, &mut args.keys, Parse::parse)?;
            } else if option.peek(kw::tags) {
                assign(input, &mut args.tags, Parse::parse)?;
            } else if option.peek(kw::all) {
                flag(input, &mut args.all)?;
            } else if option.peek(kw::when) {
                assign(input, &mut args.when, Parse::parse)?;
            } else if option.peek(kw::cache) {
                assign(input, &mut args.cache, Parse::parse)?;
            } else if option.peek(Token![crate]) {
                assign(input, &mut args.krate, Path::parse_mod_style)?;
            } else {
                return Err(unknown(input, option));
            }
            comma(input)?;
        }
        Ok(args)
    }
}

/// One string literal, or a list of them in brackets.
pub(crate) struct Many(pub(crate) Vec<LitStr>);

impl Parse for Many {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(|one| Self(vec![one]));
        }
        if !input.peek(syn::token::Bracket) {
            return Err(input.error("expected a string, or a list of strings: [\"…\", \"…\"]"));
        }
        let content;
        bracketed!(content in input);
        let list = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// Names in parentheses.
pub(crate) struct Names(pub(crate) Vec<Ident>);

impl Parse for Names {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let content;
        parenthesized!(content in input);
        // `self` can be skipped, which is no identifier in the grammar of Rust.
        let list = content.parse_terminated(Ident::parse_any, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// A cache by its registered name, or by an expression.
pub(crate) enum CacheArg {
    Name(LitStr),
    Expr(Expr),
}

impl Parse for CacheArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let named = input.peek(LitStr) && !input.peek2(Token![.]);
        if named {
            input.parse().map(Self::Name)
        } else {
            input.parse().map(Self::Expr)
        }
    }
}

/// When a write invalidates.
#[derive(Clone, Copy, Default)]
pub(crate) enum When {
    #[default]
    Ok,
    Always,
    Before,
}

impl Parse for When {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let when = input.lookahead1();
        let this = if when.peek(kw::ok) {
            Self::Ok
        } else if when.peek(kw::always) {
            Self::Always
        } else if when.peek(kw::before) {
            Self::Before
        } else {
            return Err(unknown(input, when));
        };
        input.call(Ident::parse_any)?;
        Ok(this)
    }
}

/// Parses `option = value` into `slot`, which must be empty.
fn assign<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    input.parse::<Token![=]>()?;
    fill(&option, slot, value(input)?)
}

/// Parses `option(…)` into `slot`, which must be empty.
fn set<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    fill(&option, slot, value(input)?)
}

/// Parses `option` into `slot`, which must be empty.
fn flag(input: ParseStream<'_>, slot: &mut Option<Ident>) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    fill(&option, slot, option.clone())
}

fn fill<T>(option: &Ident, slot: &mut Option<T>, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::new(
            option.span(),
            format!("`{option}` is given twice"),
        ));
    }
    Ok(())
}

fn comma(input: ParseStream<'_>) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

fn duration(input: ParseStream<'_>) -> Result<Lit> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), duration::EXPECTED))
}

/// The list that `lookahead` has collected, and the name in it that was meant.
fn unknown(input: ParseStream<'_>, lookahead: Lookahead1<'_>) -> Error {
    let mut error = lookahead.error();
    if let Ok(wrong) = input.fork().call(Ident::parse_any) {
        let list = error.to_string();
        let known = list.split('`').skip(1).step_by(2);
        let hint = did_you_mean(&wrong.to_string(), known);
        error = Error::new(wrong.span(), format!("{list}{hint}"));
    }
    error
}
