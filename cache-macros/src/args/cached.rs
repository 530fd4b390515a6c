//! The options of `#[cached]`.

use proc_macro2::Ident;
use syn::{
    Expr, Lit, LitBool, LitInt, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use super::{
    CacheArg, DurationArg, Many, Names, Options, QuestionArg, assign, condition, flag, kw, name,
    number, path, percentage, set, template, unknown, yes_or_no,
};

/// The options of `#[cached]` as they were written.
#[derive(Default)]
pub(crate) struct CachedArgs {
    pub(crate) ttl: Option<DurationArg>,
    pub(crate) none_ttl: Option<DurationArg>,
    pub(crate) err_ttl: Option<DurationArg>,
    pub(crate) ttl_from: Option<QuestionArg>,
    pub(crate) jitter: Option<Lit>,
    pub(crate) unless: Option<QuestionArg>,
    pub(crate) condition: Option<Expr>,
    pub(crate) sensitive: Option<Names>,
    pub(crate) key: Option<LitStr>,
    pub(crate) tags: Option<Many>,
    pub(crate) skip: Option<Names>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Path>,
    pub(crate) local: Option<Ident>,
    pub(crate) batch: Option<Ident>,
    pub(crate) response: Option<Ident>,
    pub(crate) shared: Option<Ident>,
    pub(crate) cache: Option<CacheArg>,
    pub(crate) companion: Option<LitBool>,
    pub(crate) krate: Option<Path>,
}

impl Options for CachedArgs {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        // `lookahead` collects what it was asked for, so that the error lists every option
        // there is, and this is the only list of them.
        let option = input.lookahead1();
        if option.peek(kw::ttl) {
            assign(input, &mut self.ttl, Parse::parse)
        } else if option.peek(kw::ttl_from) {
            assign(input, &mut self.ttl_from, Parse::parse)
        } else if option.peek(kw::none_ttl) {
            assign(input, &mut self.none_ttl, Parse::parse)
        } else if option.peek(kw::err_ttl) {
            assign(input, &mut self.err_ttl, Parse::parse)
        } else if option.peek(kw::jitter) {
            assign(input, &mut self.jitter, percentage)
        } else if option.peek(kw::unless) {
            assign(input, &mut self.unless, Parse::parse)
        } else if option.peek(Token![if]) {
            assign(input, &mut self.condition, condition)
        } else if option.peek(kw::key) {
            assign(input, &mut self.key, template)
        } else if option.peek(kw::tags) {
            assign(input, &mut self.tags, Parse::parse)
        } else if option.peek(kw::skip) {
            set(input, &mut self.skip, Parse::parse)
        } else if option.peek(kw::sensitive) {
            set(input, &mut self.sensitive, Parse::parse)
        } else if option.peek(kw::version) {
            assign(input, &mut self.version, number)
        } else if option.peek(kw::codec) {
            assign(input, &mut self.codec, path)
        } else if option.peek(kw::local) {
            flag(input, &mut self.local)
        } else if option.peek(kw::batch) {
            assign(input, &mut self.batch, name)
        } else if option.peek(kw::response) {
            flag(input, &mut self.response)
        } else if option.peek(kw::shared) {
            flag(input, &mut self.shared)
        } else if option.peek(kw::cache) {
            assign(input, &mut self.cache, Parse::parse)
        } else if option.peek(kw::companion) {
            assign(input, &mut self.companion, yes_or_no)
        } else if option.peek(Token![crate]) {
            assign(input, &mut self.krate, path)
        } else {
            Err(unknown(input, option))
        }
    }
}
