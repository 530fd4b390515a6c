//! The values of the options that decide what is kept: durations, and questions to a value.

use syn::{
    Error, Expr, Lit, Result,
    parse::{Parse, ParseStream},
};

use crate::duration::EXPECTED;

/// How long something is kept.
pub(crate) enum DurationArg {
    /// Whole seconds, or a text with units.
    Literal(Lit),
    /// A constant of type `Duration`.
    Constant(Expr),
}

impl Parse for DurationArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let value: Expr = input
            .parse()
            .map_err(|error| Error::new(error.span(), EXPECTED))?;
        match bare(value) {
            Expr::Lit(literal) => Ok(Self::Literal(literal.lit)),
            // `Duration` has no arithmetic in constants, so this is one of numbers.
            wrong @ (Expr::Unary(_) | Expr::Binary(_)) => Err(Error::new_spanned(wrong, EXPECTED)),
            constant => Ok(Self::Constant(constant)),
        }
    }
}

/// An expression without the invisible brackets in which a macro hands it over.
fn bare(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => bare(*group.expr),
        value => value,
    }
}

/// A function of the value: a closure, or the path of a function.
pub(crate) struct QuestionArg(pub(crate) Expr);

impl Parse for QuestionArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expected = "expected a closure over the value, or the path of a function: \
                        `|value| value.is_empty()` or `Vec::is_empty`";
        let value: Expr = input
            .parse()
            .map_err(|error| Error::new(error.span(), expected))?;
        let value = bare(value);
        match &value {
            Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(Self(value)),
            Expr::Path(_) => Ok(Self(value)),
            _ => Err(Error::new_spanned(value, expected)),
        }
    }
}
