//! How a function gives its result: at once, or by a future, and who makes that future.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Ident, Path, PathArguments, ReturnType,
    Signature, Type, TypeParamBound,
    ext::IdentExt,
    parse_quote,
    punctuated::Punctuated,
    token::{Plus, RArrow},
};

use super::Function;

/// How a function gives its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `async fn`.
    Async,
    /// `fn … -> Pin<Box<dyn Future<Output = R>>>`, which is also what `#[async_trait]` makes of an
    /// `async fn`.
    Boxed,
    /// `fn … -> impl Future<Output = R>`.
    Opaque,
    /// `fn … -> R`: it holds its thread up.
    Sync,
}

/// What a future gives, if it says so.
struct Gives(Option<Type>);

/// How the function of this signature gives its result, and of which type that is; `None` for a
/// future that does not say.
pub(super) fn of(sig: &Signature) -> (Style, Option<Type>) {
    let output = match &sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, output) => Type::clone(output),
    };
    if sig.asyncness.is_some() {
        return (Style::Async, Some(output));
    }
    match future(&output) {
        Some((style, output)) => (style, output),
        None => (Style::Sync, Some(output)),
    }
}

/// What kind of future `ty` is and what it gives, if it is written as one.
fn future(ty: &Type) -> Option<(Style, Option<Type>)> {
    match ty {
        Type::Group(group) => future(&group.elem),
        Type::Paren(paren) => future(&paren.elem),
        Type::ImplTrait(opaque) => Some((Style::Opaque, gives(&opaque.bounds)?.0)),
        Type::Path(path) => Some((Style::Boxed, boxed(&path.path)?.0)),
        _ => None,
    }
}

/// The same for `Pin<Box<dyn Future<Output = R>>>` and for the name that the futures crates give
/// it.
fn boxed(path: &Path) -> Option<Gives> {
    let last = path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
        return Some(Gives(Some(only_type(arguments)?.clone())));
    }
    let inner = only_type(arguments).filter(|_| last.ident == "Pin")?;
    let Type::Path(inner) = inner else {
        return None;
    };
    let inner = inner.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &inner.arguments else {
        return None;
    };
    match only_type(arguments).filter(|_| inner.ident == "Box")? {
        Type::TraitObject(object) => gives(&object.bounds),
        Type::Paren(paren) => match &*paren.elem {
            Type::TraitObject(object) => gives(&object.bounds),
            _ => None,
        },
        _ => None,
    }
}

fn only_type(arguments: &AngleBracketedGenericArguments) -> Option<&Type> {
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.next().filter(|_| types.next().is_none())
}

/// What a future with these bounds gives: `None` if they are not of a future.
fn gives(bounds: &Punctuated<TypeParamBound, Plus>) -> Option<Gives> {
    let future = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .filter(|last| last.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return Some(Gives(None));
    };
    let output = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    });
    Some(Gives(output))
}

/// The statements inside of `async move { … }` or `Box::pin(async move { … })`, if `body` is
/// nothing else.
pub(super) fn async_block(style: Style, body: &Group) -> Option<Group> {
    let mut tokens = body.stream();
    if style == Style::Boxed {
        let mut path: Vec<TokenTree> = tokens.into_iter().collect();
        let Some(TokenTree::Group(inside)) = path.pop() else {
            return None;
        };
        let words: String = path.iter().map(ToString::to_string).collect();
        let is_pin = ["Box::pin", "::std::boxed::Box::pin", "std::boxed::Box::pin"];
        if inside.delimiter() != Delimiter::Parenthesis || !is_pin.contains(&&*words) {
            return None;
        }
        tokens = inside.stream();
    }
    let mut tokens = tokens.into_iter().peekable();
    let word =
        |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident == word);
    tokens.next_if(|token| word(token, "async"))?;
    tokens.next_if(|token| word(token, "move"));
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(block)), None) if block.delimiter() == Delimiter::Brace => {
            Some(block)
        }
        _ => None,
    }
}

impl Function {
    /// Lets an `async fn` that calls itself do so. Its future would contain itself, which a box
    /// around the body cures, and could not be known to be `Send` before it is known at all, unless
    /// the signature says so.
    pub(crate) fn allow_recursion(&mut self) {
        if self.style != Style::Async || !calls(&self.sig.ident, self.body.stream()) {
            return;
        }
        let output = self.output();
        let arrow = match &self.sig.output {
            ReturnType::Type(arrow, _) => *arrow,
            ReturnType::Default => RArrow::default(),
        };
        let future = parse_quote! {
            impl ::core::future::Future<Output = #output> + ::core::marker::Send
        };
        self.sig.asyncness = None;
        self.sig.output = ReturnType::Type(arrow, Box::new(future));
        self.style = Style::Opaque;
    }
}

/// Whether `tokens` call a function or a method of `self` by this name.
fn calls(name: &Ident, tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let ident = |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == word);
    let punct = |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => calls(name, group.stream()),
        TokenTree::Ident(word) if word.unraw() == name.unraw() => {
            let applied = match tokens.get(at + 1) {
                Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                _ => punct(at + 1, ':') && punct(at + 2, ':') && punct(at + 3, '<'),
            };
            let own = match at {
                0 => true,
                _ if punct(at - 1, '.') => at >= 2 && ident(at - 2, "self"),
                _ if punct(at - 1, ':') => {
                    at >= 3 && (ident(at - 3, "Self") || ident(at - 3, "self"))
                }
                _ => !ident(at - 1, "fn"),
            };
            applied && own
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::parse_str;

    use super::{Function, Style, calls};

    fn style(signature: &str) -> (Style, String) {
        let function: Function = parse_str(&format!("{signature} {{}}")).expect(signature);
        let output = function.output();
        (function.style, output.into_token_stream().to_string())
    }

    #[test]
    fn a_future_is_known_by_how_its_type_is_written() {
        for (signature, expected) in [
            ("async fn f() -> u8", Style::Async),
            ("fn f() -> impl Future<Output = u8> + Send", Style::Opaque),
            (
                "fn f() -> impl Send + std::future::Future<Output = u8>",
                Style::Opaque,
            ),
            (
                "fn f() -> Pin<Box<dyn Future<Output = u8> + Send + '_>>",
                Style::Boxed,
            ),
            (
                "fn f() -> std::pin::Pin<Box<dyn Send + Future<Output = u8>>>",
                Style::Boxed,
            ),
            (
                "fn f() -> Pin<Box<(dyn Future<Output = u8> + Send)>>",
                Style::Boxed,
            ),
            (
                "fn f() -> futures::future::BoxFuture<'static, u8>",
                Style::Boxed,
            ),
            ("fn f() -> LocalBoxFuture<'_, u8>", Style::Boxed),
            ("fn f() -> u8", Style::Sync),
        ] {
            assert_eq!(style(signature), (expected, "u8".into()), "{signature}");
        }
        for signature in [
            "fn f() -> impl Iterator<Item = u8>",
            "fn f() -> Pin<Box<u8>>",
            "fn f() -> Box<dyn Fn(u8)>",
            "fn f()",
        ] {
            assert_eq!(style(signature).0, Style::Sync, "{signature}");
        }
    }

    #[test]
    fn the_statements_of_a_lone_async_block_are_the_body() {
        let body = |item: &str| {
            let function: Function = parse_str(item).expect(item);
            (!function.builds_future).then(|| function.body.stream().to_string())
        };
        let boxed = "fn f() -> Pin<Box<dyn Future<Output = u8>>>";
        let opaque = "fn f() -> impl Future<Output = u8>";
        for item in [
            format!("{boxed} {{ Box::pin(async move {{ 1 }}) }}"),
            format!("{boxed} {{ ::std::boxed::Box::pin(async {{ 1 }}) }}"),
            format!("{opaque} {{ async move {{ 1 }} }}"),
        ] {
            assert_eq!(body(&item).as_deref(), Some("1"), "{item}");
        }
        for item in [
            format!("{boxed} {{ let a = 1; Box::pin(async move {{ a }}) }}"),
            format!("{boxed} {{ async move {{ 1 }}.boxed() }}"),
            format!("{boxed} {{ Box::pin(ready(1)) }}"),
            format!("{opaque} {{ f() }}"),
            format!("{opaque} {{ let a = 1; async move {{ a }} }}"),
        ] {
            assert_eq!(body(&item), None, "{item}");
        }
    }

    #[test]
    fn a_call_of_the_same_name_elsewhere_is_no_recursion() {
        let f = syn::parse_quote!(f);
        for own in [
            quote!(f(1).await),
            quote!(Box::pin(f::<u8>(1)).await),
            quote!(if true { Self::f(1).await } else { 1 }),
            quote!(self.f(1).await),
            quote!(self::f(1)),
        ] {
            assert!(calls(&f, own.clone()), "{own}");
        }
        for other in [
            quote!(db.f(1).await),
            quote!(self.db.f(1).await),
            quote!(db::f(1)),
            quote!(let f = 1; f + 1),
            quote!(
                fn f() {}
            ),
        ] {
            assert!(!calls(&f, other.clone()), "{other}");
        }
    }
}
