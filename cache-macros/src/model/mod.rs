//! The rules: what may be asked of which function, and every mistake in it. One file for each
//! attribute, and what they share.

mod batch;
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
    batch::{Batch, Given},
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
use syn::{Result, parse2};

use self::{
    output::check_output,
    rules::Rules,
    signature::{check_async_only, check_signature, never},
};
use crate::{args::Options, errors::Errors, function::Function};

/// Parses the options and the item, so that the mistakes of both are shown.
fn parse_both<A: Options>(args: TokenStream, item: &TokenStream) -> Result<(A, Function, Errors)> {
    let mut errors = Errors::default();
    let args = A::read(args, &mut errors);
    match parse2::<Function>(item.clone()) {
        Ok(function) => {
            check_signature(&function, &mut errors);
            Ok((args, function, errors))
        }
        Err(error) => {
            errors.push(error);
            Err(errors.finish(()).expect_err("the item is none"))
        }
    }
}
