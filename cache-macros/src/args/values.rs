//! The values that options take.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Expr, Lit, LitBool, LitInt, LitStr, Path, Result, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token::{Bracket, Paren},
};

/// A key template.
pub(super) fn template(input: ParseStream<'_>) -> Result<LitStr> {
    let text = text(input)?;
    if input.is_empty() || input.peek(Token![,]) || !input.peek(Token![+]) {
        return Ok(text);
    }
    let message = "a template is one string: arguments stand in it as `<id>`";
    Err(Error::new(input.span(), message))
}

/// A string, or what to write instead of what is there.
fn text(input: ParseStream<'_>) -> Result<LitStr> {
    if input.peek(LitStr) {
        return input.parse();
    }
    let Ok(value) = input.fork().parse::<Expr>() else {
        return Err(input.error("expected a string: \"users:<id>\""));
    };
    let message = match &value {
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) => format!(
                "expected a string: write \"{name}\", or \"<{name}>\" for the argument `{name}`"
            ),
            None => "a template is read by the compiler, before there are constants: write it \
                     here as a string"
                .to_owned(),
        },
        Expr::Macro(_)
        | Expr::Closure(_)
        | Expr::Block(_)
        | Expr::Call(_)
        | Expr::MethodCall(_) => {
            "arguments stand in the string itself: write \"users:<id>\"".to_owned()
        }
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => format!("expected a string: write \"{number}\""),
            _ => "expected a string: \"users:<id>\"".to_owned(),
        },
        _ => "expected a string: \"users:<id>\"".to_owned(),
    };
    Err(Error::new_spanned(value, message))
}

/// A whole number.
pub(super) fn number(input: ParseStream<'_>) -> Result<LitInt> {
    let error = Error::new(input.span(), "expected a whole number, such as `2`");
    input.parse().map_err(|_| error)
}

/// `true` or `false`.
pub(super) fn yes_or_no(input: ParseStream<'_>) -> Result<LitBool> {
    let error = Error::new(input.span(), "expected `true` or `false`");
    input.parse().map_err(|_| error)
}

/// A path; names are not in quotes.
pub(super) fn path(input: ParseStream<'_>) -> Result<Path> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let message = format!("a name stands without quotes: write `{}`", text.value());
        return Err(Error::new(text.span(), message));
    }
    input.call(Path::parse_mod_style)
}

/// One string literal, or a list of them in brackets.
pub(crate) struct Many(pub(crate) Vec<LitStr>);

impl Parse for Many {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Bracket) {
            let one = text(input)?;
            return match more(input) {
                Some(next) => {
                    let message = format!(
                        "several stand in brackets: write `[{}, {next}]`",
                        one.to_token_stream()
                    );
                    Err(Error::new(next.span(), message))
                }
                None => Ok(Self(vec![one])),
            };
        }
        let content;
        bracketed!(content in input);
        let list = content.parse_terminated(text, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// The next of several that should stand in brackets; they are all taken.
fn more(input: ParseStream<'_>) -> Option<TokenTree> {
    let mut first = None;
    while input.peek(Token![,]) && input.peek2(LitStr) {
        let [_, next] = [input.parse().ok()?, input.parse().ok()?];
        first.get_or_insert(next);
    }
    first
}

/// Names in parentheses.
pub(crate) struct Names(pub(crate) Vec<Ident>);

impl Parse for Names {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Paren) {
            return Err(without_parentheses(input));
        }
        let content;
        parenthesized!(content in input);
        let list = content.parse_terminated(name, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// The name of an argument; `self` is one, although it is no identifier in the grammar of Rust.
fn name(input: ParseStream<'_>) -> Result<Ident> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let message = format!("a name stands without quotes: write `{}`", text.value());
        return Err(Error::new(text.span(), message));
    }
    let name = input.call(Ident::parse_any)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(name);
    }
    let message = format!("expected names of arguments and no parts of them: write `{name}`");
    Err(Error::new(input.span(), message))
}

/// Names in no parentheses; they are all taken.
fn without_parentheses(input: ParseStream<'_>) -> Error {
    let error = input.error("expected names of arguments in parentheses: `(id, name)`");
    drop(input.parse::<Option<Token![=]>>());
    drop(input.call(Ident::parse_any));
    let alone = |input: ParseStream<'_>| {
        let ahead = input.fork();
        let comma = ahead.parse::<Token![,]>().is_ok();
        let name = ahead.call(Ident::parse_any).is_ok();
        comma && name && (ahead.is_empty() || ahead.peek(Token![,]))
    };
    while alone(input) {
        drop(input.parse::<Token![,]>());
        drop(input.call(Ident::parse_any));
    }
    error
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
