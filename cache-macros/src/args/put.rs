//! The options of `#[cache_put]`.

use proc_macro2::Ident;
use syn::{
    Expr, LitInt, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use super::{
    CacheArg, DurationArg, Many, Options, QuestionArg, assign, condition, flag, kw, number, path,
    template, unknown,
};

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

impl Options for PutArgs {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option = input.lookahead1();
        if option.peek(kw::key) {
            assign(input, &mut self.key, template)
        } else if option.peek(kw::ttl) {
            assign(input, &mut self.ttl, Parse::parse)
        } else if option.peek(kw::tags) {
            assign(input, &mut self.tags, Parse::parse)
        } else if option.peek(kw::version) {
            assign(input, &mut self.version, number)
        } else if option.peek(kw::codec) {
            assign(input, &mut self.codec, path)
        } else if option.peek(kw::local) {
            flag(input, &mut self.local)
        } else if option.peek(kw::cache) {
            assign(input, &mut self.cache, Parse::parse)
        } else if option.peek(Token![if]) {
            assign(input, &mut self.condition, condition)
        } else if option.peek(kw::unless) {
            assign(input, &mut self.unless, Parse::parse)
        } else if option.peek(Token![crate]) {
            assign(input, &mut self.krate, path)
        } else {
            Err(unknown(input, option))
        }
    }
}
