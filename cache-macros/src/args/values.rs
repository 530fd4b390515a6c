//! The values that options take.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Expr, Lit, LitBool, LitInt, LitStr, Path, Result, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token::Bracket,
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
        Expr::Path(path) => match path.path.get_ident().map(ToString::to_string) {
            Some(name) if !name.starts_with(char::is_uppercase) => format!(
                "expected a string: write \"{name}\", or \"<{name}>\" for the argument `{name}`"
            ),
            _ => "a template is read by the compiler, before there are constants: write it \
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

/// An expression over the arguments.
pub(super) fn condition(input: ParseStream<'_>) -> Result<Expr> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let message = format!(
            "an expression stands without quotes: write `if = {}`",
            text.value()
        );
        return Err(Error::new(text.span(), message));
    }
    input.parse()
}

/// A whole number.
pub(super) fn number(input: ParseStream<'_>) -> Result<LitInt> {
    let error = Error::new(input.span(), "expected a whole number, such as `2`");
    input.parse().map_err(|_| error)
}

/// A literal that says a part of something.
pub(super) fn percentage(input: ParseStream<'_>) -> Result<Lit> {
    let error = Error::new(input.span(), "expected a part of the ttl, such as \"10%\"");
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
        return Err(quoted(&text));
    }
    input.call(Path::parse_mod_style)
}

/// A name in quotes.
pub(super) fn quoted(text: &LitStr) -> Error {
    let message = format!("a name stands without quotes: write `{}`", text.value());
    Error::new(text.span(), message)
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
        let content;
        parenthesized!(content in input);
        let list = content.parse_terminated(name, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// The name of an argument; `self` is one, although it is no identifier in the grammar of Rust.
pub(super) fn name(input: ParseStream<'_>) -> Result<Ident> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        return Err(quoted(&text));
    }
    let name = input.call(Ident::parse_any)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(name);
    }
    let message = format!("expected names of arguments and no parts of them: write `{name}`");
    Err(Error::new(input.span(), message))
}

/// What to write instead of names in no parentheses, which are all taken.
pub(super) fn without_parentheses(input: ParseStream<'_>, option: &Ident) -> Error {
    drop(input.parse::<Option<Token![=]>>());
    let bracketed = |input: ParseStream<'_>| {
        let content;
        bracketed!(content in input);
        content.parse::<TokenStream>()
    };
    let mut given = Vec::new();
    match bracketed(input) {
        Ok(list) => given.extend(list),
        Err(_) if input.is_empty() || input.peek(Token![,]) => {}
        Err(_) => {
            given.extend(input.parse::<TokenTree>());
            while continues(input) {
                given.extend(
                    [input.parse::<TokenTree>(), input.parse()]
                        .into_iter()
                        .flatten(),
                );
            }
        }
    }
    let names: String = given.iter().map(ToString::to_string).collect();
    let names = match names.replace('"', "").replace(',', ", ") {
        none if none.is_empty() => "…".to_owned(),
        names => names,
    };
    let message = format!("names of arguments stand in parentheses: write `{option}({names})`");
    Error::new(option.span(), message)
}

/// Whether a comma follows and a name that begins no option.
fn continues(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let comma = ahead.parse::<Token![,]>().is_ok();
    let name = ahead.parse::<LitStr>().is_ok() || ahead.call(Ident::parse_any).is_ok();
    comma && name && (ahead.is_empty() || ahead.peek(Token![,]))
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
