//! The options of `#[invalidate_cache]`.

use proc_macro2::Ident;
use syn::{
    Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use super::{CacheArg, CallsArg, Many, assign, comma, flag, kw, unknown};

/// The options of `#[invalidate_cache]` as they were written.
#[derive(Default)]
pub(crate) struct InvalidateArgs {
    pub(crate) prefix: Option<Many>,
    pub(crate) keys: Option<Many>,
    pub(crate) tags: Option<Many>,
    pub(crate) of: Option<CallsArg>,
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
            } else if option.peek(kw::of) {
                assign(input, &mut args.of, Parse::parse)?;
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
