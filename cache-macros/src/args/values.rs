//! The values that options take.

use proc_macro2::Ident;
use syn::{
    Error, Expr, LitBool, LitStr, Result, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// One string literal, or a list of them in brackets.
pub(crate) struct Many(pub(crate) Vec<LitStr>);

impl Parse for Many {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(|one| Self(vec![one]));
        }
        if !input.peek(syn::token::Bracket) {
            return Err(input.error("expected a string, or a list of strings: [\"…\", \"…\"]"));
        }
        let content;
        bracketed!(content in input);
        let list = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// `true` or `false`, and where it says so.
pub(crate) fn yes_or_no(input: ParseStream<'_>) -> Result<LitBool> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), "expected `true` or `false`"))
}

/// Names in parentheses.
pub(crate) struct Names(pub(crate) Vec<Ident>);

impl Parse for Names {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(syn::token::Paren) {
            return Err(input.error("expected names of arguments in parentheses: `(id, name)`"));
        }
        let content;
        parenthesized!(content in input);
        // `self` can be skipped, which is no identifier in the grammar of Rust.
        let list = content.parse_terminated(Ident::parse_any, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// A cache by its registered name, or by an expression.
pub(crate) enum CacheArg {
    Name(LitStr),
    Expr(Expr),
}

impl Parse for CacheArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let named = input.peek(LitStr) && !input.peek2(Token![.]);
        if named {
            input.parse().map(Self::Name)
        } else {
            input.parse().map(Self::Expr)
        }
    }
}
