//! The options of `#[cached]`.

use proc_macro2::Ident;
use syn::{
    Expr, LitBool, LitInt, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use super::{
    CacheArg, DurationArg, Many, Names, QuestionArg, assign, comma, flag, kw, set, unknown,
    yes_or_no,
};

/// The options of `#[cached]` as they were written.
#[derive(Default)]
pub(crate) struct CachedArgs {
    pub(crate) ttl: Option<DurationArg>,
    pub(crate) none_ttl: Option<DurationArg>,
    pub(crate) err_ttl: Option<DurationArg>,
    pub(crate) ttl_from: Option<QuestionArg>,
    pub(crate) unless: Option<QuestionArg>,
    pub(crate) condition: Option<Expr>,
    pub(crate) sensitive: Option<Names>,
    pub(crate) key: Option<LitStr>,
    pub(crate) tags: Option<Many>,
    pub(crate) skip: Option<Names>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: Option<Ident>,
    pub(crate) response: Option<Ident>,
    pub(crate) shared: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) companion: Option<LitBool>,
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
                assign(input, &mut args.ttl, Parse::parse)?;
            } else if option.peek(kw::ttl_from) {
                assign(input, &mut args.ttl_from, Parse::parse)?;
            } else if option.peek(kw::none_ttl) {
                assign(input, &mut args.none_ttl, Parse::parse)?;
            } else if option.peek(kw::err_ttl) {
                assign(input, &mut args.err_ttl, Parse::parse)?;
            } else if option.peek(kw::unless) {
                assign(input, &mut args.unless, Parse::parse)?;
            } else if option.peek(Token![if]) {
                assign(input, &mut args.condition, Parse::parse)?;
            } else if option.peek(kw::key) {
                assign(input, &mut args.key, Parse::parse)?;
            } else if option.peek(kw::tags) {
                assign(input, &mut args.tags, Parse::parse)?;
            } else if option.peek(kw::skip) {
                set(input, &mut args.skip, Parse::parse)?;
            } else if option.peek(kw::sensitive) {
                set(input, &mut args.sensitive, Parse::parse)?;
            } else if option.peek(kw::version) {
                assign(input, &mut args.version, Parse::parse)?;
            } else if option.peek(kw::codec) {
                assign(input, &mut args.codec, Path::parse_mod_style)?;
            } else if option.peek(kw::local) {
                flag(input, &mut args.local)?;
            } else if option.peek(kw::response) {
                flag(input, &mut args.response)?;
            } else if option.peek(kw::shared) {
                flag(input, &mut args.shared)?;
            } else if option.peek(kw::cache) {
                assign(input, &mut args.cache, Parse::parse)?;
            } else if option.peek(kw::companion) {
                assign(input, &mut args.companion, yes_or_no)?;
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
