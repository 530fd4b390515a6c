//! The rules of the options that decide what is kept, and for how long.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Expr, Lit, Pat, ext::IdentExt};

use super::Rules;
use crate::{
    args::{CachedArgs, DurationArg, QuestionArg},
    duration,
    function::mentions,
    jitter,
    template::{Filter, Piece, Template},
};

/// What is kept, and for how long.
pub(crate) struct Choices {
    pub(crate) ttl: Option<Lifetime>,
    pub(crate) none_ttl: Option<Lifetime>,
    pub(crate) err_ttl: Option<Lifetime>,
    /// How far these vary, in hundredths of a percent.
    pub(crate) jitter: Option<u16>,
    /// How long a value is kept, asked of the value.
    pub(crate) ttl_from: Option<Expr>,
    /// Whether a value is not kept, asked of the value.
    pub(crate) unless: Option<Expr>,
    /// Whether a call has to do with the cache at all.
    pub(crate) condition: Option<Expr>,
}

/// How long something is kept.
pub(crate) enum Lifetime {
    Millis(u64),
    /// A constant, checked when the user's program is compiled.
    Constant(Expr),
}

impl Rules<'_> {
    /// Takes these options out of `args`.
    pub(super) fn choices(&mut self, args: &mut CachedArgs) -> Choices {
        if let (Some(ttl), Some(_)) = (&args.ttl, &args.ttl_from) {
            let both = "`ttl` and `ttl_from` contradict each other: each value says how long it is \
                        kept, so remove one of them";
            self.errors.push(Error::new_spanned(ttl, both));
        }
        Choices {
            ttl: self.lifetime("ttl", args.ttl.take()),
            none_ttl: self.lifetime("none_ttl", args.none_ttl.take()),
            err_ttl: self.lifetime("err_ttl", args.err_ttl.take()),
            jitter: self.jitter(args.jitter.take()),
            ttl_from: self.question("ttl_from", args.ttl_from.take()),
            unless: self.question("unless", args.unless.take()),
            condition: args.condition.take(),
        }
    }

    pub(super) fn lifetime(
        &mut self,
        option: &str,
        duration: Option<DurationArg>,
    ) -> Option<Lifetime> {
        let constant = match duration? {
            DurationArg::Literal(literal) => {
                let millis = self.errors.take(duration::millis(&literal));
                return millis.map(Lifetime::Millis);
            }
            DurationArg::Constant(constant) => constant,
        };
        let tokens = constant.to_token_stream();
        if let Some(argument) = self.argument_in(tokens.clone(), &[]) {
            let message = format!(
                "`{argument}` is an argument, and `{option}` is one constant for all calls: write \
                 a constant, or let each value say how long it is kept with `ttl_from`"
            );
            self.errors.push(Error::new_spanned(argument, message));
        } else if mentions(
            tokens,
            &|token| matches!(token, TokenTree::Ident(ident) if ident == "Self"),
        ) {
            let message = format!(
                "`{option}` is kept outside of the `impl`, where there is no `Self`: write the \
                 name of the type"
            );
            self.errors.push(Error::new_spanned(&constant, message));
        }
        Some(Lifetime::Constant(constant))
    }

    fn jitter(&mut self, jitter: Option<Lit>) -> Option<u16> {
        self.errors.take(jitter::hundredths(&jitter?))
    }

    pub(super) fn question(&mut self, option: &str, question: Option<QuestionArg>) -> Option<Expr> {
        let QuestionArg(question) = question?;
        let (asked, own) = match &question {
            Expr::Closure(closure) => (closure.body.to_token_stream(), names(&closure.inputs[0])),
            path => (path.to_token_stream(), Vec::new()),
        };
        if let Some(argument) = self.argument_in(asked, &own) {
            let message = format!(
                "`{option}` sees the value and no argument such as `{argument}`: calls that ask \
                 for the same key share what is kept. Return what it needs with the value, or \
                 decide by the arguments with `if`"
            );
            self.errors.push(Error::new_spanned(argument, message));
        }
        Some(question)
    }

    /// Sensitive names exist, once, and are not skipped; in templates they become hashes.
    pub(super) fn sensitive<'t>(
        &mut self,
        sensitive: &[Ident],
        skip: &[Ident],
        templates: impl Iterator<Item = &'t mut Template>,
    ) {
        for (i, name) in sensitive.iter().enumerate() {
            if self.find(name).is_none() {
                self.unknown(&name.unraw().to_string(), name.span());
            }
            if sensitive[..i].contains(name) {
                let message = format!("`{name}` is sensitive twice");
                self.errors.push(Error::new_spanned(name, message));
            }
            if skip.contains(name) {
                let message = format!(
                    "`{name}` is in `skip` and in `sensitive`: what is skipped is in no key, so \
                     remove one of them"
                );
                self.errors.push(Error::new_spanned(name, message));
            }
        }
        let is_sensitive = |root: &Ident| sensitive.iter().any(|name| name.unraw() == root.unraw());
        for piece in templates.flat_map(|template| &mut template.pieces) {
            if let Piece::Value(value) = piece
                && is_sensitive(&value.root)
            {
                value.filter = Some(match value.filter {
                    None | Some(Filter::Hash) => Filter::Hash,
                    Some(Filter::Lower | Filter::LowerHash) => Filter::LowerHash,
                });
            }
        }
    }

    /// An argument that `tokens` certainly mean, unless `own` names hide it. Where they may give
    /// a name to something else, the compiler knows better.
    fn argument_in(&self, tokens: TokenStream, own: &[Ident]) -> Option<Ident> {
        if mentions(tokens.clone(), &binds) {
            return None;
        }
        let is_argument = |name: &Ident| self.find(name).is_some() && !own.contains(name);
        free(tokens, &is_argument)
    }
}

impl ToTokens for DurationArg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Constant(constant) => constant.to_tokens(tokens),
        }
    }
}

/// Whether a token may begin a pattern or a macro.
fn binds(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ["let", "match", "for", "fn", "const"]
            .iter()
            .any(|word| ident == word),
        TokenTree::Punct(punct) => matches!(punct.as_char(), '|' | '!'),
        _ => false,
    }
}

/// The first name in `tokens` that is `wanted` and is no field, method or part of a path.
pub(super) fn free(tokens: TokenStream, wanted: &dyn Fn(&Ident) -> bool) -> Option<Ident> {
    let mut before = None;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match &token {
            TokenTree::Group(group) => free(group.stream(), wanted),
            TokenTree::Ident(ident) => {
                let after = tokens.peek().and_then(punct);
                let apart = !matches!(before, Some('.' | ':')) && after != Some(':');
                (apart && wanted(ident)).then(|| ident.clone())
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        before = punct(&token);
    }
    None
}

fn punct(token: &TokenTree) -> Option<char> {
    match token {
        TokenTree::Punct(punct) => Some(punct.as_char()),
        _ => None,
    }
}

/// Every name in a pattern: more than it binds, which is on the safe side.
fn names(pat: &Pat) -> Vec<Ident> {
    fn collect(tokens: TokenStream, names: &mut Vec<Ident>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => names.push(ident),
                TokenTree::Group(group) => collect(group.stream(), names),
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    collect(pat.to_token_stream(), &mut names);
    names
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::model::Cached;

    /// The mistakes of `#[cached(args)]` on a function of `id` and `lang`.
    fn mistakes(args: &TokenStream) -> String {
        let item = quote! {
            async fn page(id: u64, lang: String) -> Result<Page, Error> {
                load(id, lang).await
            }
        };
        let mistakes = Cached::check(args, &item).err().into_iter().flatten();
        let mistakes: Vec<String> = mistakes.map(|mistake| mistake.to_string()).collect();
        mistakes.join("; ")
    }

    #[test]
    fn a_question_to_the_value_cannot_ask_for_an_argument() {
        for wrong in [
            quote!(unless = |page| page.id == id),
            quote!(unless = |page| { page.is(&lang) }),
            quote!(ttl_from = |page| page.ttl(id + 1)),
            quote!(unless = id),
        ] {
            let text = wrong.to_string();
            assert!(
                mistakes(&wrong).contains("sees the value and no argument"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_only_called_like_an_argument_is_none() {
        for right in [
            quote!(unless = |page| page.id == page.lang().id),
            quote!(unless = |id| id.lang == 7),
            quote!(unless = |Page { id, .. }| *id == 7),
            quote!(
                unless = |page| {
                    let id = page.id;
                    id == 7
                }
            ),
            quote!(unless = |page| matches!(page.id, Some(id) if id == 7)),
            quote!(unless = |page| page.all(|lang| lang == 7)),
            quote!(unless = |page| lang::is_none(page) || *page == Page { id: 7 }),
            quote!(unless = Vec::id),
            quote!(ttl = lang::TTL),
        ] {
            let text = right.to_string();
            assert_eq!(mistakes(&right), "", "{text}");
        }
    }

    #[test]
    fn a_constant_is_one_for_all_calls() {
        assert!(mistakes(&quote!(ttl = Duration::from_secs(id))).contains("`id` is an argument"));
        assert!(mistakes(&quote!(err_ttl = Self::TTL)).contains("there is no `Self`"));
        assert_eq!(mistakes(&quote!(none_ttl = limits::TTL)), "");
    }

    #[test]
    fn what_is_neither_a_literal_nor_a_constant_is_no_duration() {
        for wrong in [quote!(ttl = -1), quote!(ttl = 60 * 10), quote!(ttl = true)] {
            let text = wrong.to_string();
            assert!(mistakes(&wrong).contains(duration::EXPECTED), "{text}");
        }
    }
}
