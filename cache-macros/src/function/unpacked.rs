//! The parameters that `#[async_trait]` renames: it unpacks a pattern inside of the future, from a
//! parameter that it calls `__arg0`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::{Pat, parse::Parser};

use super::mentions;

/// A pattern and the parameter that the body unpacks by it.
#[derive(Clone)]
pub(crate) struct Unpacked {
    pub(crate) pat: Pat,
    pub(crate) from: Ident,
}

/// What `body` unpacks: its statements `let pattern = { let __arg0 = __arg0; __arg0 };`.
pub(super) fn find(body: TokenStream) -> Vec<Unpacked> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let is_let = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "let");
    let statements =
        tokens.split(|token| matches!(token, TokenTree::Punct(end) if end.as_char() == ';'));
    statements
        .filter_map(|statement| {
            let begin = statement.iter().rposition(is_let)? + 1;
            let [pat @ .., TokenTree::Punct(_), from] = &statement[begin..] else {
                return None;
            };
            let (from, pat) = match (parameter(from), pat) {
                (Some(from), pat) => (from, without_mut(pat.iter().cloned().collect())),
                // `let __arg0 = __arg0;` was `_`.
                (None, [TokenTree::Ident(ident)]) if is_parameter(ident) => {
                    (ident.clone(), quote!(_))
                }
                _ => return None,
            };
            if mentions(pat.clone(), &by_reference) {
                return None;
            }
            let pat = Pat::parse_multi_with_leading_vert.parse2(pat).ok()?;
            Some(Unpacked { pat, from })
        })
        .collect()
}

/// The parameter that an expression gives: `{ let __arg0 = __arg0; __arg0 }`.
fn parameter(expression: &TokenTree) -> Option<Ident> {
    let TokenTree::Group(block) = expression else {
        return None;
    };
    match block.stream().into_iter().last()? {
        TokenTree::Ident(from) if is_parameter(&from) => Some(from),
        _ => None,
    }
}

fn is_parameter(ident: &Ident) -> bool {
    ident.to_string().starts_with("__arg")
}

/// What cannot stand in a pattern that a reference is taken apart by.
fn by_reference(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => word == "ref",
        TokenTree::Punct(punct) => punct.as_char() == '&',
        _ => false,
    }
}

/// The pattern as it reads from a reference: nothing in it is changed there.
fn without_mut(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .filter(|token| !matches!(token, TokenTree::Ident(word) if word == "mut"))
        .map(|token| match token {
            TokenTree::Group(group) => {
                let inside = without_mut(group.stream());
                let mut inner = proc_macro2::Group::new(group.delimiter(), inside);
                inner.set_span(group.span());
                inner.into()
            }
            token => token,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_str;

    use super::find;

    #[test]
    fn what_async_trait_unpacks_is_found_and_nothing_else() {
        let body = "
            if let Some(__ret) = None::<u8> { return __ret; }
            let __self = self;
            let id = id;
            let Path((mut a, b)) = { let __arg2 = __arg2; __arg2 };
            let __arg3 = __arg3;
            let Query { page, sort: (order, ..), .. } = { let __arg4 = __arg4; __arg4 };
            let &(c, ref d) = { let __arg5 = __arg5; __arg5 };
            let __ret: u8 = { let (e,) = { let __arg6 = __arg6; __arg6 }; e };
            __ret
        ";
        let unpacked = find(parse_str(body).expect("tokens"));
        let found: Vec<_> = unpacked
            .iter()
            .map(|unpacked| format!("{} {}", unpacked.from, unpacked.pat.to_token_stream()))
            .collect();
        assert_eq!(
            found,
            [
                "__arg2 Path ((a , b))",
                "__arg3 _",
                "__arg4 Query { page , sort : (order , ..) , .. }",
            ]
        );
    }
}
