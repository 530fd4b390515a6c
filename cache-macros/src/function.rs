//! The grammar of the annotated item: a function whose body is kept as it stands, so that
//! half-typed code still completes.

mod absent;
mod item;
mod style;
mod unpacked;

pub(crate) use self::{style::Style, unpacked::Unpacked};

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Error, FnArg, GenericParam, Pat, PatIdent, PatType, PathArguments, Result,
    Signature, Token, Type, Visibility, braced,
    parse::{Parse, ParseStream},
    parse_quote,
};

use crate::extractor::Extractor;

/// A function with its body.
pub(crate) struct Function {
    pub(crate) outer: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) inner: Vec<Attribute>,
    /// The statements that give the result, in braces, without inner attributes.
    pub(crate) body: Group,
    pub(crate) style: Style,
    /// The body gives a future of the result, and not the result.
    pub(crate) builds_future: bool,
    /// The arguments live as long as the body, used or not: so it is in an `async fn`.
    pub(crate) holds_arguments: bool,
    /// The patterns that the body takes its parameters apart by.
    pub(crate) unpacked: Vec<Unpacked>,
    /// What the function gives in the end; `None` if its future does not say.
    gives: Option<Type>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let outer = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig: Signature = match item::kind(input) {
            None => input.parse()?,
            Some(other) => return Err(other),
        };
        if input.peek(Token![;]) {
            let message = "there is no body to run: annotate the function where it has one";
            return Err(Error::new(sig.ident.span(), message));
        }
        let content;
        let brace = braced!(content in input);
        let inner = content.call(Attribute::parse_inner)?;
        let mut body = Group::new(Delimiter::Brace, content.parse()?);
        body.set_span(brace.span.join());
        let (style, gives) = style::of(&sig);
        let mut builds_future = matches!(style, Style::Boxed | Style::Opaque);
        if let Some(block) = style::async_block(style, &body).filter(|_| builds_future) {
            (body, builds_future) = (block, false);
        }
        let unpacked = match style {
            Style::Boxed => unpacked::find(body.stream()),
            Style::Async | Style::Opaque | Style::Sync => Vec::new(),
        };
        Ok(Self {
            outer,
            vis,
            sig,
            inner,
            body,
            style,
            builds_future,
            holds_arguments: style == Style::Async,
            unpacked,
            gives,
        })
    }
}

/// A name that the signature gives to an argument or to a part of one.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// `self`, or axum's `State`: what serves the call and does not ask for anything.
    pub(crate) serves: bool,
    /// What it can tell of a request.
    pub(crate) extractor: Extractor,
}

impl Function {
    /// The names that the body can use, `self` first.
    pub(crate) fn arguments(&self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for input in &self.sig.inputs {
            match input {
                FnArg::Receiver(receiver) => arguments.push(Argument {
                    ident: Ident::new("self", receiver.self_token.span),
                    serves: true,
                    extractor: Extractor::Plain,
                }),
                FnArg::Typed(typed) => {
                    let serves = is_state(&typed.ty);
                    let extractor = Extractor::of(typed);
                    let mut add = |ident| {
                        arguments.push(Argument {
                            ident,
                            serves,
                            extractor: extractor.clone(),
                        });
                    };
                    bindings(self.pattern(typed), &mut add);
                }
            }
        }
        arguments
    }

    /// The pattern of a parameter as the user wrote it.
    fn pattern<'a>(&'a self, typed: &'a PatType) -> &'a Pat {
        let Pat::Ident(PatIdent { ident, .. }) = &*typed.pat else {
            return &typed.pat;
        };
        let unpacked = self
            .unpacked
            .iter()
            .find(|unpacked| unpacked.from == *ident);
        unpacked.map_or(&typed.pat, |unpacked| &unpacked.pat)
    }

    /// What the function gives in the end, whatever it gives it by.
    pub(crate) fn output(&self) -> Type {
        self.gives.clone().unwrap_or_else(|| parse_quote!(()))
    }

    /// Whether it says what it gives.
    pub(crate) fn says_output(&self) -> bool {
        self.gives.is_some()
    }

    /// Whether the arguments certainly own their data and go into the body whole, so that the
    /// body can outlive its caller.
    ///
    /// A method may stand in an impl with type parameters or lifetimes, which an attribute cannot
    /// see; nor can it see into a macro. What a pattern does not bind stays behind with the caller.
    pub(crate) fn owns_its_arguments(&self) -> bool {
        let generic = |param: &GenericParam| !matches!(param, GenericParam::Const(_));
        !self.sig.generics.params.iter().any(generic)
            && self.sig.inputs.iter().all(|input| match input {
                FnArg::Receiver(_) => false,
                FnArg::Typed(typed) => {
                    !mentions(typed.pat.to_token_stream(), &leaves_behind)
                        && !mentions(typed.ty.to_token_stream(), &may_borrow)
                }
            })
    }
}

/// The names that `pat` binds.
pub(crate) fn names(pat: &Pat) -> Vec<Ident> {
    let mut names = Vec::new();
    bindings(pat, &mut |name| names.push(name));
    names
}

/// Calls `add` with each name that `pat` binds.
pub(crate) fn bindings(pat: &Pat, add: &mut impl FnMut(Ident)) {
    match pat {
        Pat::Ident(pat) => {
            add(pat.ident.clone());
            if let Some((_, sub)) = &pat.subpat {
                bindings(sub, add);
            }
        }
        Pat::Paren(pat) => bindings(&pat.pat, add),
        Pat::Reference(pat) => bindings(&pat.pat, add),
        Pat::Type(pat) => bindings(&pat.pat, add),
        Pat::Tuple(pat) => pat.elems.iter().for_each(|pat| bindings(pat, add)),
        Pat::TupleStruct(pat) => pat.elems.iter().for_each(|pat| bindings(pat, add)),
        Pat::Slice(pat) => pat.elems.iter().for_each(|pat| bindings(pat, add)),
        Pat::Struct(pat) => pat
            .fields
            .iter()
            .for_each(|field| bindings(&field.pat, add)),
        // Every case binds the same names.
        Pat::Or(pat) => pat.cases.iter().take(1).for_each(|pat| bindings(pat, add)),
        _ => {}
    }
}

/// Whether this is axum's `State<…>`. One's own `State` without parameters is data.
fn is_state(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    ty.path.segments.last().is_some_and(|last| {
        last.ident == "State" && matches!(last.arguments, PathArguments::AngleBracketed(_))
    })
}

/// Whether `token` is one of these names.
pub(crate) fn is_named(token: &TokenTree, names: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if names.iter().any(|name| ident == name))
}

/// Whether `found` holds for a token of `tokens`.
pub(crate) fn mentions(tokens: TokenStream, found: &impl Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), found),
        token => found(&token),
    })
}

fn leaves_behind(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == "_" || ident == "ref",
        TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | '!'),
        _ => false,
    }
}

fn may_borrow(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => {
            let name = ident.to_string();
            // `T` and `K2` are how type parameters of an impl are called.
            let short = name.len() <= 2
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                && !name.contains(|c: char| c.is_ascii_lowercase());
            short || name == "Self" || name == "impl"
        }
        TokenTree::Punct(punct) => matches!(punct.as_char(), '&' | '\'' | '!'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use syn::{ext::IdentExt, parse_str};

    use super::Function;

    fn function(signature: &str) -> Function {
        parse_str(&format!("async fn f{signature} {{}}")).expect(signature)
    }

    fn names(signature: &str) -> Vec<String> {
        let arguments = function(signature).arguments();
        arguments
            .iter()
            .map(|argument| argument.ident.unraw().to_string())
            .collect()
    }

    #[test]
    fn every_name_of_a_pattern_is_an_argument() {
        assert_eq!(names("(&self, id: u64, mut n: u8)"), ["self", "id", "n"]);
        assert_eq!(names("(Path((a, b)): Path<(u8, u8)>)"), ["a", "b"]);
        assert_eq!(names("(P { x, y: (y, _), .. }: P)"), ["x", "y"]);
        assert_eq!(
            names("(whole @ [first, ..]: [u8; 2], &r: &u8)"),
            ["whole", "first", "r"]
        );
        assert_eq!(names("((Ok(v) | Err(v)): Result<u8, u8>, _: u8)"), ["v"]);
        assert_eq!(names("(r#type: u8)"), ["type"]);
    }

    #[test]
    fn only_self_and_a_state_of_something_serve() {
        let serves = |signature: &str| -> Vec<bool> {
            let arguments = function(signature).arguments();
            arguments.iter().map(|argument| argument.serves).collect()
        };
        assert_eq!(
            serves("(self, State(db): State<Db>, id: u64)"),
            [true, true, false]
        );
        assert_eq!(serves("(db: axum::extract::State<Db>)"), [true]);
        assert_eq!(
            serves("(state: State, order: order::State)"),
            [false, false]
        );
    }

    #[test]
    fn arguments_without_any_borrow_are_owned() {
        for owned in [
            "()",
            "(id: u64, name: String)",
            "(Path((a, b)): Path<(u8, String)>)",
            "<const LEN: usize>(ids: [u64; LEN])",
            "(find: Box<dyn Finder>, list: Vec<Option<UserId>>)",
        ] {
            assert!(function(owned).owns_its_arguments(), "{owned}");
        }
    }

    #[test]
    fn arguments_that_may_borrow_or_stay_behind_are_not_owned() {
        for borrowed in [
            "(&self)",
            "(self: Arc<Self>)",
            "(name: &str)",
            "(names: Vec<&str>)",
            "(name: Cow<'_, str>)",
            "(find: Box<dyn Finder + '_>)",
            "<'a>(id: u64)",
            "<T>(id: u64)",
            "(value: impl Into<u64>)",
            "(value: T)",
            "(value: Option<K2>)",
            "(value: Self)",
            "(value: my_type!())",
            "(P { x, .. }: P)",
            "((x, _): (u8, Permit))",
            "(_: Permit)",
            "(P { ref x }: P)",
        ] {
            assert!(!function(borrowed).owns_its_arguments(), "{borrowed}");
        }
    }
}
