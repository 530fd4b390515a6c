//! The options of `#[invalidate_cache]`.

use proc_macro2::Ident;
use syn::{
    LitStr, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use super::{CacheArg, CallsArg, Many, Options, assign, flag, kw, path, quoted, unknown};

/// The options of `#[invalidate_cache]` as they were written.
#[derive(Default)]
pub(crate) struct InvalidateArgs {
    pub(crate) prefix: Option<Many>,
    pub(crate) keys: Option<Many>,
    pub(crate) tags: Option<Many>,
    pub(crate) of: Option<CallsArg>,
    pub(crate) all: Option<Ident>,
    pub(crate) when: Option<(Ident, When)>,
    pub(crate) strict: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) krate: Option<Path>,
}

impl Options for InvalidateArgs {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option = input.lookahead1();
        if option.peek(kw::prefix) {
            assign(input, &mut self.prefix, Parse::parse)
        } else if option.peek(kw::keys) {
            assign(input, &mut self.keys, Parse::parse)
        } else if option.peek(kw::tags) {
            assign(input, &mut self.tags, Parse::parse)
        } else if option.peek(kw::of) {
            assign(input, &mut self.of, Parse::parse)
        } else if option.peek(kw::all) {
            flag(input, &mut self.all)
        } else if option.peek(kw::when) {
            assign(input, &mut self.when, named)
        } else if option.peek(kw::strict) {
            flag(input, &mut self.strict)
        } else if option.peek(kw::cache) {
            assign(input, &mut self.cache, Parse::parse)
        } else if option.peek(Token![crate]) {
            assign(input, &mut self.krate, path)
        } else {
            Err(unknown(input, option))
        }
    }
}

/// A choice, and the word that makes it.
fn named(input: ParseStream<'_>) -> Result<(Ident, When)> {
    let word = input.fork();
    let when = input.parse()?;
    Ok((word.call(Ident::parse_any)?, when))
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
        if let Ok(text) = input.fork().parse::<LitStr>() {
            return Err(quoted(&text));
        }
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
