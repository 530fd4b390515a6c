//! Calls of cached functions: `get_user(id)`, or a list of them.

use quote::ToTokens;
use syn::{
    Error, Expr, ExprPath, Path, Result, Token, bracketed,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::Bracket,
};

/// One call, or a list of them in brackets.
pub(crate) struct CallsArg(pub(crate) Vec<CallArg>);

/// A call of a free function, by its path.
pub(crate) struct CallArg {
    pub(crate) function: Path,
    pub(crate) arguments: Vec<Expr>,
}

impl Parse for CallsArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Bracket) {
            return input.parse().map(|one| Self(vec![one]));
        }
        let content;
        bracketed!(content in input);
        let list = Punctuated::<CallArg, Token![,]>::parse_terminated(&content)?;
        Ok(Self(list.into_iter().collect()))
    }
}

impl Parse for CallArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expected = "expected a call of a cached function, such as `get_user(id)`";
        let expr: Expr = input
            .parse()
            .map_err(|error| Error::new(error.span(), expected))?;
        match expr {
            Expr::Call(call) => {
                let arguments = call.args.into_iter().collect();
                match *call.func {
                    Expr::Path(ExprPath {
                        qself: None, path, ..
                    }) if is_free(&path) => Ok(Self {
                        function: path,
                        arguments,
                    }),
                    Expr::Path(path) => Err(method(&path)),
                    other => Err(Error::new_spanned(other, expected)),
                }
            }
            Expr::MethodCall(call) => Err(method(&call)),
            Expr::Path(path) => {
                let message = "which entry of this function? Write a call: `get_user(id)`";
                Err(Error::new_spanned(path, message))
            }
            other => Err(Error::new_spanned(other, expected)),
        }
    }
}

/// Whether this is no function of a type, as far as its name tells.
fn is_free(path: &Path) -> bool {
    let owners = path.segments.iter().rev().skip(1);
    owners.take(1).all(|owner| {
        let name = owner.ident.unraw().to_string();
        owner.arguments.is_none() && !name.starts_with(char::is_uppercase)
    })
}

fn method(call: &impl ToTokens) -> Error {
    let message = "a method has no companion that `of` could ask for its key: give the method a \
                   `key`, and name it here with `keys = [\"…\"]`";
    Error::new_spanned(call, message)
}
