//! The rules: what may be asked of which function, and every mistake in it. One file for each
//! attribute, and what they share.

mod batch;
mod cached;
mod choices;
mod invalidate;
mod key_part;
mod output;
mod rules;

pub(crate) use self::{
    batch::{Batch, Given},
    cached::{Cached, Key},
    choices::{Choices, Lifetime},
    invalidate::Invalidate,
    key_part::{Field, KeyPart, Shape, Variant},
};

use proc_macro2::TokenStream;
use syn::{Error, Result, parse::Parse, parse2};

use self::{output::check_output, rules::Rules};
use crate::{errors::Errors, function::Function};

/// Parses the options and the item, so that the mistakes of both are shown.
fn parse_both<A: Parse>(args: TokenStream, item: &TokenStream) -> Result<(A, Function, Errors)> {
    let mut errors = Errors::default();
    let args = errors.take(parse2(args));
    let function: Option<Function> = errors.take(parse2(item.clone()));
    if let Some(Function { sig, .. }) = &function
        && sig.asyncness.is_none()
    {
        let message = format!(
            "only an `async fn` can be annotated: write `async fn {}`",
            sig.ident
        );
        errors.push(Error::new_spanned(sig.fn_token, message));
    }
    match (args, function) {
        (Some(args), Some(function)) => Ok((args, function, errors)),
        _ => Err(errors.finish(()).expect_err("one of them did not parse")),
    }
}
