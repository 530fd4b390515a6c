//! The companion of a free function: a type of the same name that nobody can make, with a function
//! for each thing that can be done with the entry of a call. What is not used is not compiled.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Attribute, FnArg, GenericParam, Pat, Path, Type, ext::IdentExt, spanned::Spanned};

use super::{here, private};
use crate::function::Function;

const KEY: &str = "The key of this call, as the methods of a cache take it.\n\n# Panics\n\nIf another \
                   attribute below makes the function wait before it looks into the cache.";
const PEEK: &str = "What this call would return from the cache; `None` if it would have to load.\n\n\
                    # Errors\n\nIf only the far tier could tell and did not.";
const PUT: &str = "Stores a value as if this call had returned it.\n\n# Errors\n\nIf the far tier did \
                   not take it.";
const INVALIDATE: &str = "Removes the value of this call from all tiers.\n\n# Errors\n\nIf the far tier \
                          did not confirm it; it is tried again.";
const REFRESH: &str = "Loads even if there is a value, and stores the result.";
const UNCACHED: &str = "Loads, and leaves the cache alone.";

/// The companion of `function`, which gives `output` when it is awaited.
pub(super) fn companion(krate: Option<&Path>, function: &Function, output: &Type) -> TokenStream {
    let Function {
        outer, vis, sig, ..
    } = function;
    // At the function, but ours: lints about a name or its documentation are not for the user.
    let mut name = sig.ident.clone();
    name.set_span(name.span().resolved_at(here()));
    let about = format!(
        "What can be done with the cache entry of one call of the function `{}`.",
        name.unraw()
    );
    let conditions: Vec<_> = kept(outer, "cfg").collect();
    let deprecated = kept(outer, "deprecated").next();
    let quiet = deprecated.map(|_| quote_spanned!(here()=> #[allow(deprecated)]));
    let functions = functions(krate, function, output);
    quote_spanned! {here()=>
        #(#conditions)*
        #[doc = #about]
        #vis enum #name {}
        #(#conditions)*
        #quiet
        impl #name {
            #functions
        }
    }
}

fn functions(krate: Option<&Path>, function: &Function, output: &Type) -> TokenStream {
    let private = private(krate, here());
    let text = quote_spanned!(here()=> ::std::string::String);
    let done = quote_spanned!(here()=> #private::Result<()>);
    let found = quote_spanned!(here()=> #private::Result<::core::option::Option<#output>>);
    let output = output.to_token_stream();
    let value = quote_spanned!(here()=> value);
    let given = quote_spanned!(here()=> #value: impl #private::Returns<#output>);
    let entry = call(function);
    let entry = quote_spanned!(here()=> #private::entry(#entry));
    let waiting = |doc, name, returns, given, value| {
        let name = Ident::new(name, here());
        let body = quote_spanned!(here()=> #entry.#name(#value).await);
        let name = quote_spanned!(here()=> async fn #name);
        one(function, doc, &name, given, returns, &body)
    };
    let key = quote_spanned!(here()=> #private::key_of(#entry));
    let name = quote_spanned!(here()=> fn key);
    [
        one(function, KEY, &name, None, &text, &key),
        waiting(PEEK, "peek", &found, None, None),
        waiting(PUT, "put", &done, Some(&given), Some(&value)),
        waiting(INVALIDATE, "invalidate", &done, None, None),
        waiting(REFRESH, "refresh", &output, None, None),
        waiting(UNCACHED, "uncached", &output, None, None),
    ]
    .into_iter()
    .collect()
}

/// One function of the companion, which takes what `function` takes, and what is `given`.
fn one(
    function: &Function,
    doc: &str,
    name: &TokenStream,
    given: Option<&TokenStream>,
    returns: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let Function {
        outer, vis, sig, ..
    } = function;
    let deprecated = kept(outer, "deprecated");
    let (generics, bounds) = (&sig.generics, &sig.generics.where_clause);
    let arguments = arguments(function).map(|(name, ty)| quote_spanned!(here()=> #name: #ty,));
    quote_spanned! {here()=>
        #(#deprecated)*
        #[doc = #doc]
        #[inline]
        #vis #name #generics (#(#arguments)* #given) -> #returns #bounds {
            #body
        }
    }
}

/// The attributes of this name.
fn kept<'a>(
    attributes: &'a [Attribute],
    name: &'static str,
) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}

/// The arguments with a name each, also where the function takes them apart.
fn arguments(function: &Function) -> impl Iterator<Item = (Ident, &Type)> {
    let typed = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(typed) => Some(typed),
    });
    let hides = |name: &Ident| name.unraw() == function.sig.ident.unraw();
    typed.enumerate().map(move |(at, typed)| {
        let name = match &*typed.pat {
            Pat::Ident(pat) if pat.subpat.is_none() && !hides(&pat.ident) => pat.ident.clone(),
            pat => format_ident!("argument_{}", at + 1, span = ours(pat.span())),
        };
        (name, &*typed.ty)
    })
}

fn ours(span: Span) -> Span {
    span.resolved_at(here())
}

/// A call of the function, with the types that it was given; the compiler finds the lifetimes.
fn call(function: &Function) -> TokenStream {
    let name = &function.sig.ident;
    let types = function
        .sig
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        });
    let types: Vec<_> = types.collect();
    let types = (!types.is_empty()).then(|| quote_spanned!(here()=> ::<#(#types),*>));
    let arguments = arguments(function).map(|(name, _)| name);
    quote_spanned!(here()=> #name #types (#(#arguments),*))
}
