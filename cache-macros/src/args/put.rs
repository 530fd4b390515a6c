//! The options of `#[cache_put]`.

use proc_macro2::Ident;
use syn::{
    Error, Expr, ExprClosure, Lit, LitInt, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use super::{CacheArg, Many, assign, comma, duration, flag, kw, unknown};

/// The options of `#[cache_put]` as they were written.
#[derive(Default)]
pub(crate) struct PutArgs {
    pub(crate) key: Option<LitStr>,
    pub(crate) ttl: Option<Lit>,
    pub(crate) tags: Option<Many>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) only_if: Option<Expr>,
    pub(crate) unless: Option<ExprClosure>,
    pub(crate) krate: Option<Path>,
}

impl Parse for PutArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let option = input.lookahead1();
            if option.peek(kw::key) {
                assign(input, &mut args.key, Parse::parse)?;
            } else if option.peek(kw::ttl) {
                assign(input, &mut args.ttl, duration)?;
            } else if option.peek(kw::tags) {
                assign(input, &mut args.tags, Parse::parse)?;
            } else if option.peek(kw::version) {
                assign(input, &mut args.version, Parse::parse)?;
            } else if option.peek(kw::codec) {
                assign(input, &mut args.codec, Path::parse_mod_style)?;
            } else if option.peek(kw::local) {
                flag(input, &mut args.local)?;
            } else if option.peek(kw::cache) {
                assign(input, &mut args.cache, Parse::parse)?;
            } else if option.peek(Token![if]) {
                assign(input, &mut args.only_if, Parse::parse)?;
            } else if option.peek(kw::unless) {
                assign(input, &mut args.unless, question)?;
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

/// A question about the value: a closure with one parameter.
fn question(input: ParseStream<'_>) -> Result<ExprClosure> {
    const EXPECTED: &str =
        "expected a question about the returned value, such as `|user| user.is_guest`";
    let closure: ExprClosure = input
        .parse()
        .map_err(|error| Error::new(error.span(), EXPECTED))?;
    if closure.inputs.len() == 1 {
        Ok(closure)
    } else {
        Err(Error::new_spanned(closure, EXPECTED))
    }
}
