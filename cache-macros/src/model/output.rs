//! Which return types can be cached, as far as their text tells.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, PathArguments, Result, Type};

use super::never;
use crate::function::mentions;

/// A cached value has a type that can be named, and owns its data.
pub(super) fn check_output(output: &Type, local: bool) -> Result<()> {
    let tokens = output.to_token_stream();
    let named = |names: &'static [&str]| move |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if names.iter().any(|name| ident == name));
    if is_opaque(output) && local {
        // Its kind cannot be told, so it is kept whole; and what it is, only the body knows.
        return Ok(());
    }
    if mentions(tokens.clone(), &named(&["impl"])) {
        let message = if is_opaque(output) {
            "only a type with a name becomes bytes: write it instead of `impl …`, or say `local`"
        } else {
            "only a type with a name can be taken apart: write it instead of `impl …`"
        };
        return Err(Error::new_spanned(output, message));
    }
    if let Some(never) = never(output) {
        let message = "a function that never returns has nothing to cache: remove the attribute";
        return Err(Error::new(never, message));
    }
    // What a function type borrows are the arguments of that function.
    if mentions(tokens.clone(), &named(&["fn", "Fn", "FnMut", "FnOnce"])) {
        return Ok(());
    }
    let borrow = match halves(output) {
        // An error is not made anew from bytes.
        Some((value, error)) => borrow(value, local).or_else(|| borrow(error, true)),
        None => borrow(tokens, local),
    };
    if let Some(span) = borrow {
        let message = if local {
            "a cached value outlives the call, so it cannot borrow from it: return an owned type, \
             such as `String` or `Arc<str>` for `&str`"
        } else {
            "a cached value is made anew from bytes, so it cannot borrow: return an owned type, \
             such as `String` or `Arc<str>` for `&str`; with `local` it may be `'static`"
        };
        return Err(Error::new(span, message));
    }
    Ok(())
}

/// The value and the error of a type that is written as `Result<value, error>`.
fn halves(output: &Type) -> Option<(TokenStream, TokenStream)> {
    let Type::Path(path) = output else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter().map(ToTokens::to_token_stream);
    let halves = (arguments.next()?, arguments.next()?);
    (last.ident == "Result" && arguments.next().is_none()).then_some(halves)
}

/// Whether a type is `impl …` as a whole.
pub(crate) fn is_opaque(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(_) => true,
        Type::Paren(paren) => is_opaque(&paren.elem),
        Type::Group(group) => is_opaque(&group.elem),
        _ => false,
    }
}

/// Where a type borrows: a reference, or a lifetime other than `'static`. With `statics`, a
/// reference may live for ever too.
fn borrow(tokens: TokenStream, statics: bool) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match (&token, tokens.peek()) {
            (TokenTree::Group(group), _) => borrow(group.stream(), statics),
            // The lifetime of a reference comes next and is looked at by itself.
            (TokenTree::Punct(and), Some(TokenTree::Punct(next)))
                if statics && and.as_char() == '&' && next.as_char() == '\'' =>
            {
                None
            }
            (TokenTree::Punct(and), _) if and.as_char() == '&' => Some(and.span()),
            (TokenTree::Punct(quote), Some(TokenTree::Ident(name)))
                if quote.as_char() == '\'' && name != "static" =>
            {
                Some(name.span())
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
