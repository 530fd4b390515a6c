//! The text of the options that decide what is kept.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Path, Type};

use super::{at, here, private};
use crate::model::{Choices, Lifetime};

/// The lifetimes, as settings of the site.
pub(super) fn lifetimes(krate: Option<&Path>, choices: &Choices) -> TokenStream {
    let Choices {
        ttl,
        none_ttl,
        err_ttl,
        ..
    } = choices;
    let ttl = ttl.as_ref().map(|ttl| {
        let millis = millis(krate, ttl);
        quote_spanned!(here()=> .ttl(#millis))
    });
    let none_ttl = none_ttl.as_ref().map(|ttl| {
        let millis = millis(krate, ttl);
        quote_spanned!(here()=> .none_ttl(#millis))
    });
    let err_ttl = err_ttl.as_ref().map(|ttl| {
        let millis = millis(krate, ttl);
        quote_spanned!(here()=> .err_ttl(#millis))
    });
    quote_spanned!(here()=> #ttl #none_ttl #err_ttl)
}

fn millis(krate: Option<&Path>, lifetime: &Lifetime) -> TokenStream {
    match lifetime {
        Lifetime::Millis(millis) => quote_spanned!(here()=> #millis),
        Lifetime::Constant(constant) => {
            let private = private(krate, at(constant));
            quote_spanned!(at(constant)=> #private::millis(#constant))
        }
    }
}

/// Statements that give `shape` what the options ask of results. What the return type cannot do
/// is reported there.
pub(super) fn shapes(krate: Option<&Path>, output: &Type, choices: &Choices) -> TokenStream {
    let result = private(krate, at(output));
    let absences = choices
        .none_ttl
        .as_ref()
        .map(|_| quote_spanned!(at(output)=> let shape = #result::keeps_absences(shape);));
    let chosen = chosen(krate, choices);
    let errors = choices
        .err_ttl
        .as_ref()
        .map(|_| quote_spanned!(at(output)=> let shape = #result::keeps_errors(shape);));
    quote_spanned!(here()=> #absences #chosen #errors)
}

/// Those of them that ask a value.
pub(super) fn chosen(krate: Option<&Path>, choices: &Choices) -> TokenStream {
    let ttl_from = choices.ttl_from.as_ref().map(|question| {
        let private = private(krate, at(question));
        quote_spanned!(at(question)=> let shape = #private::ttl_from(shape, #question);)
    });
    let unless = choices.unless.as_ref().map(|question| {
        let private = private(krate, at(question));
        quote_spanned!(at(question)=> let shape = #private::unless(shape, #question);)
    });
    quote_spanned!(here()=> #ttl_from #unless)
}

/// The expression `lookup`, or nothing to do with the cache where a condition says so.
pub(super) fn on_condition(
    choices: &Choices,
    lookup: TokenStream,
    bypass: &TokenStream,
) -> TokenStream {
    let Some(condition) = &choices.condition else {
        return lookup;
    };
    quote_spanned! {here()=> {
        let is_cached: bool = #condition;
        if is_cached #lookup else {
            #bypass
        }
    }}
}
