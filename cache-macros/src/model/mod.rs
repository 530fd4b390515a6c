//! The rules: what may be asked of which function, and every mistake in it. One file for each
//! attribute, and what they share.

mod cached;
mod call;
mod choices;
mod companion;
mod invalidate;
mod key_part;
mod output;
mod put;
mod response;
mod rules;
mod signature;
mod write;

pub(crate) use self::{
    cached::{Cached, Key},
    call::{Call, CallArgument},
    choices::{Choices, Lifetime},
    invalidate::Invalidate,
    key_part::{Field, KeyPart, Shape, Variant},
    output::is_opaque,
    put::Put,
    response::{Response, Vary},
    write::Write,
};

use proc_macro2::TokenStream;
use syn::{Result, parse::Parse, parse2};

use self::{
    output::check_output,
    rules::Rules,
    signature::{check_async_only, check_signature, never},
};
use crate::{errors::Errors, function::Function};

/// Parses the options and the item, so that the mistakes of both are shown.
fn parse_both<A: Parse>(args: TokenStream, item: &TokenStream) -> Result<(A, Function, Errors)> {
    let mut errors = Errors::default();
    let args = errors.take(parse2(args));
    let function: Option<Function> = errors.take(parse2(item.clone()));
    if let Some(function) = &function {
        check_signature(function, &mut errors);
    }
    match (args, function) {
        (Some(args), Some(function)) => Ok((args, function, errors)),
        _ => Err(errors.finish(()).expect_err("one of them did not parse")),
    }
}
