//! The rules of handlers: what is a response, and who may share one.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::{Error, FnArg, LitStr, Type, TypeParamBound, ext::IdentExt};

use super::{Rules, rules::uses};
use crate::{
    args::CachedArgs,
    errors::Errors,
    extractor::{Extractor, inside, is_extractor, name},
    function::{self, Function, Style, mentions},
    template::{Filter, Piece, Placeholder, Reading, Template},
};

/// A cached function that is a handler.
pub(crate) struct Response {
    /// The response is the same for everybody, says its author.
    pub(crate) shared: bool,
    /// Who asks is in the key.
    pub(crate) identity: bool,
    /// The header fields in the key.
    pub(crate) vary: Vec<Vary>,
}

/// A header field.
pub(crate) enum Vary {
    Named(String),
    /// The field of a typed header.
    Typed(Box<Type>),
}

/// Whether the function is cached as a handler. What handlers cannot have is reported, and so is
/// a handler where nothing can run it.
pub(super) fn is_response(function: &Function, args: &CachedArgs, errors: &mut Errors) -> bool {
    let output = function.output();
    if function.style != Style::Async {
        let flags = [&args.response, &args.shared];
        for flag in flags.into_iter().flatten() {
            let message = format!("a handler is an `async fn`: write one, or remove `{flag}`");
            errors.push(Error::new_spanned(flag, message));
        }
        return false;
    }
    let looks = if cfg!(feature = "axum") {
        looks_like_a_response(&output)
    } else {
        // Without axum these may be types of one's own, unless something else says "handler".
        let handler = function.sig.inputs.iter().any(is_extractor) || is_axums(&output);
        looks_like_a_response(&output) && (handler || is_opaque(&output))
    };
    if !looks && args.response.is_none() {
        if let Some(shared) = &args.shared {
            let message = "`shared` is about handlers of axum, and this is none: remove it, or \
                           say `response` if the return type is one";
            errors.push(Error::new_spanned(shared, message));
        }
        return false;
    }
    if !cfg!(feature = "axum") {
        let message = "caching HTTP responses needs a feature of larder: write \
                       `larder = { …, features = [\"axum\"] }` in Cargo.toml";
        errors.push(match &args.response {
            Some(response) => Error::new_spanned(response, message),
            None => Error::new_spanned(output, message),
        });
    }
    meaningless(args, errors);
    true
}

/// Whether what a function returns is for axum to send, as far as its form tells.
pub(super) fn returns_a_response(output: &Type) -> bool {
    cfg!(feature = "axum") && looks_like_a_response(output)
}

/// Options that ask for what a response has not.
fn meaningless(args: &CachedArgs, errors: &mut Errors) {
    let mut refuse = |option: Option<proc_macro2::TokenStream>, message: &str| {
        if let Some(option) = option {
            errors.push(Error::new_spanned(option, message));
        }
    };
    refuse(
        args.codec.as_ref().map(ToTokens::to_token_stream),
        "a response is stored as the bytes that it is: remove `codec`",
    );
    refuse(
        args.none_ttl.as_ref().map(ToTokens::to_token_stream),
        "a response is never `None`: remove `none_ttl`",
    );
    refuse(
        args.err_ttl.as_ref().map(ToTokens::to_token_stream),
        "only responses of success are kept: remove `err_ttl`",
    );
    refuse(
        args.ttl_from
            .as_ref()
            .map(|asked| asked.0.to_token_stream()),
        "a response says itself how long it is kept: set `Cache-Control: s-maxage=…` in the \
         handler, and remove `ttl_from`",
    );
    refuse(
        args.unless.as_ref().map(|asked| asked.0.to_token_stream()),
        "a response says itself that it is not kept: set `Cache-Control: no-store` in the \
         handler, and remove `unless`",
    );
}

/// Whether axum can send it, by its form.
fn looks_like_a_response(ty: &Type) -> bool {
    match ty {
        Type::Group(ty) => looks_like_a_response(&ty.elem),
        Type::Paren(ty) => looks_like_a_response(&ty.elem),
        Type::ImplTrait(_) => is_opaque(ty),
        Type::Tuple(tuple) => tuple.elems.iter().any(|ty| {
            let part =
                |name: String| ["StatusCode", "HeaderMap", "AppendHeaders"].contains(&&*name);
            looks_like_a_response(ty) || name(ty).is_some_and(part) || is_list_of_headers(ty)
        }),
        Type::Path(_) => {
            name(ty).is_some_and(|name| name == "Response")
                || inside(ty, "Json").is_some()
                || inside(ty, "Html").is_some()
                || inside(ty, "Result").is_some_and(looks_like_a_response)
        }
        _ => false,
    }
}

fn is_list_of_headers(ty: &Type) -> bool {
    let header =
        |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name == "HeaderName");
    matches!(ty, Type::Array(_)) && mentions(ty.to_token_stream(), &header)
}

/// `impl IntoResponse`, or a `Result` of it.
fn is_opaque(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(ty) => ty.bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => {
                let last = bound.path.segments.last();
                last.is_some_and(|last| last.ident == "IntoResponse")
            }
            _ => false,
        }),
        Type::Tuple(tuple) => tuple.elems.iter().any(is_opaque),
        _ => inside(ty, "Result").is_some_and(is_opaque),
    }
}

fn is_axums(ty: &Type) -> bool {
    let axum = |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name == "axum");
    mentions(ty.to_token_stream(), &axum)
}

impl Rules<'_> {
    /// Finds out what a placeholder with an index reads, and how an extractor is written.
    pub(super) fn reading(&mut self, value: &mut Placeholder, template: &LitStr) {
        let Some(argument) = self.find(&value.root) else {
            return;
        };
        let extractor = argument.extractor.clone();
        if let Reading::Index(index) = &value.reading {
            let field = index.to_ascii_lowercase();
            if !cfg!(feature = "axum") {
                let message = format!(
                    "`<{}[{index}]>` reads a header field, which needs the feature `axum` of larder",
                    value.root
                );
                self.errors.push(Error::new(template.span(), message));
            }
            if SECRETS.contains(&&*field) {
                value.filter.get_or_insert(Filter::Hash);
            }
            value.reading = match extractor {
                Extractor::Cookies => Reading::Cookie(index.clone()),
                _ => Reading::Field(field),
            };
            return;
        }
        let (reading, root) = match extractor {
            Extractor::Typed(part, _) => (Reading::Typed(part), &value.root),
            Extractor::Credentials(part) => (Reading::Credentials(part), &value.root),
            _ => return,
        };
        if !value.fields.is_empty() {
            return;
        }
        if !cfg!(feature = "typed-header") {
            let message = format!(
                "`<{root}>` is a typed header, which needs the feature `axum-typed-header` of \
                 larder in a key"
            );
            self.errors.push(Error::new(template.span(), message));
        }
        value.reading = reading;
    }

    /// What caches have to know of a handler. Whoever it can ask for must be in the key.
    pub(super) fn response(
        &mut self,
        function: &Function,
        shared: bool,
        key: Option<&Template>,
        skip: &[Ident],
    ) -> Response {
        let mut identity = false;
        for input in &function.sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let extractor = Extractor::of(typed);
            let names = function::names(&typed.pat);
            let skipped = |name: &Ident| skip.iter().any(|skip| skip.unraw() == name.unraw());
            let keyed = match key {
                Some(key) => names.iter().any(|name| uses(key, &name.unraw())),
                // Without a template all arguments are in the key.
                None => !names.iter().all(skipped),
            };
            if keyed && key.is_none() && needs_a_template(&extractor) {
                let message = whole(&typed.ty, &extractor, names.first());
                self.errors.push(Error::new_spanned(typed, message));
            } else if !extractor.tells_who() {
            } else if keyed {
                identity |= !reads_fields_only(key, &names);
            } else if !shared {
                let message = anonymous(&typed.ty, &extractor, names.first(), key);
                self.errors.push(Error::new_spanned(typed, message));
            }
        }
        Response {
            shared,
            identity,
            vary: key.map_or_else(Vec::new, |key| self.vary(key)),
        }
    }

    /// Takes out what is declared to be the same for everybody.
    pub(super) fn declared(&self, left_out: &mut Vec<(Ident, String)>) {
        left_out.retain(|(name, _)| {
            let argument = self.find(name);
            argument.is_none_or(|argument| !argument.extractor.tells_who())
        });
    }

    /// The header fields in a key.
    fn vary(&self, key: &Template) -> Vec<Vary> {
        let values = key.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(value) => Some(value),
            Piece::Literal(_) => None,
        });
        let field = |value: &Placeholder| match (&value.reading, &self.find(&value.root)?.extractor)
        {
            (Reading::Field(name), _) => Some(Vary::Named(name.clone())),
            (Reading::Cookie(_), _) => Some(Vary::Named("cookie".to_owned())),
            (_, Extractor::Credentials(_)) => Some(Vary::Named("authorization".to_owned())),
            (_, Extractor::Typed(_, header)) => Some(Vary::Typed(header.clone())),
            _ => None,
        };
        values.filter_map(field).collect()
    }
}

/// Whether it cannot stand in a key as it is.
fn needs_a_template(extractor: &Extractor) -> bool {
    !matches!(extractor, Extractor::Plain | Extractor::Identity)
}

/// Header fields that tell who asks.
const SECRETS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Whether what the key has of these arguments are header fields that say nothing of who asks.
fn reads_fields_only(key: Option<&Template>, names: &[Ident]) -> bool {
    let Some(key) = key else { return false };
    let ours = |root: &Ident| names.iter().any(|name| name.unraw() == root.unraw());
    key.pieces.iter().all(|piece| match piece {
        Piece::Value(value) if ours(&value.root) => {
            matches!(&value.reading, Reading::Field(field) if !SECRETS.contains(&&**field))
        }
        _ => true,
    })
}

/// What to write into a key for an extractor.
fn spelling(ty: &str, extractor: &Extractor, name: Option<&Ident>) -> String {
    let name = name.map_or_else(|| "…".to_owned(), |name| name.unraw().to_string());
    match extractor {
        Extractor::Headers => format!("`<{name}[accept-language]>`"),
        Extractor::Cookies => format!("`<{name}[session]>`"),
        Extractor::Identity if ["Request", "Parts"].contains(&ty) => {
            "what the response depends on, by an extractor of its own,".to_owned()
        }
        _ => format!("`<{name}>`"),
    }
}

fn anonymous(
    ty: &Type,
    extractor: &Extractor,
    name: Option<&Ident>,
    key: Option<&Template>,
) -> String {
    let ty = self::name(ty).unwrap_or_default();
    let write = spelling(&ty, extractor, name);
    let key = key.map_or_else(
        || "the key".to_owned(),
        |key| format!("the key `{}`", key.text),
    );
    format!(
        "`{ty}` can tell who asks, and {key} leaves it out, so that one caller would get another's \
         response: add {write} to `key`, or say `shared` if it is the same for everybody"
    )
}

fn whole(ty: &Type, extractor: &Extractor, name: Option<&Ident>) -> String {
    let ty = self::name(ty).unwrap_or_default();
    let write = spelling(&ty, extractor, name);
    format!(
        "`{ty}` cannot stand in a key as a whole: write a `key` with what the response depends on, \
         such as {write}"
    )
}
