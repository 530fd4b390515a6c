//! The options of `#[cache_put]`.

use proc_macro2::Ident;
use syn::{
    Expr, LitInt, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use super::{CacheArg, DurationArg, Many, QuestionArg, assign, comma, flag, kw, unknown};

/// The options of `#[cache_put]` as they were written.
#[derive(Default)]
pub(crate) struct PutArgs {
    pub(crate) key: Option<LitStr>,
    pub(crate) ttl: Option<DurationArg>,
    pub(crate) tags: Option<Many>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) condition: Option<Expr>,
    pub(crate) unless: Option<QuestionArg>,
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
                assign(input, &mut args.ttl, Parse::parse)?;
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
                assign(input, &mut args.condition, Parse::parse)?;
            } else if option.peek(kw::unless) {
                assign(input, &mut args.unless, Parse::parse)?;
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
