//! The companion of a free function: a type of the same name that nobody can make, with a function
//! for each thing that can be done with the entry of a call. What is not used is not compiled.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{
    Attribute, FnArg, GenericParam, Pat, ReturnType, Signature, Type, ext::IdentExt,
    spanned::Spanned,
};

use super::{cached::captured, here, private};
use crate::{
    function::{Function, Style},
    model::Cached,
};

const KEY: &str = "The key of this call, as the methods of a cache take it.\n\n# Panics\n\nIf another \
                   attribute below makes the function wait before it looks into the cache.";
const CALL: &str = "The entry of this call, for the attributes.";
const PEEK: &str = "What this call would return from the cache; `None` if it would have to load.\n\n\
                    # Errors\n\nIf only the far tier could tell and did not.";
const PUT: &str = "Stores a value as if this call had returned it.\n\n# Errors\n\nIf the far tier did \
                   not take it.";
const INVALIDATE: &str = "Removes the value of this call from all tiers.\n\n# Errors\n\nIf the far tier \
                          did not confirm it; it is tried again.";
const REFRESH: &str = "Loads even if there is a value, and stores the result.";
const UNCACHED: &str = "Loads, and leaves the cache alone.";

/// The companion of a function that is emitted as it was written, so that who uses it is not told
/// of the mistakes in the attribute too.
pub(crate) fn companion_alone(model: &Cached) -> Option<TokenStream> {
    // That of a function that blocks has the attribute's lookup in it.
    let builds = model.companion && model.function.style != Style::Sync;
    builds.then(|| companion(model, &model.function.sig))
}

/// The companion of a function that is emitted with `signature`.
pub(super) fn companion(model: &Cached, signature: &Signature) -> TokenStream {
    let Function { outer, vis, .. } = &model.function;
    let name = named(signature);
    let about = format!(
        "What can be done with the cache entry of one call of the function `{}`.",
        name.unraw()
    );
    let conditions: Vec<_> = kept(outer, "cfg").collect();
    let deprecated = kept(outer, "deprecated").next();
    let quiet = deprecated.map(|_| quote_spanned!(here()=> #[allow(deprecated)]));
    let companion = Companion::of(model, signature);
    let functions = companion.functions();
    let blocks = model.function.style == Style::Sync;
    let captured = blocks.then(|| companion.captured(model));
    quote_spanned! {here()=>
        #(#conditions)*
        #[doc = #about]
        #vis enum #name {}
        #(#conditions)*
        #quiet
        // They take what the function takes, which the user has been told about.
        #[allow(clippy::all, clippy::pedantic)]
        impl #name {
            #captured
            #(#functions)*
        }
    }
}

/// What the functions of a companion are made of.
struct Companion<'a> {
    private: TokenStream,
    function: &'a Function,
    signature: &'a Signature,
    /// What a call gives, awaited if it must be.
    output: TokenStream,
    /// Whether it is a handler, for which nobody can make what is stored.
    handles: bool,
}

impl<'a> Companion<'a> {
    fn of(model: &'a Cached, signature: &'a Signature) -> Self {
        let output = match (&model.response, &signature.output) {
            (Some(_), ReturnType::Type(_, response)) => response.to_token_stream(),
            _ => model.output.to_token_stream(),
        };
        Self {
            private: private(model.krate.as_ref(), here()),
            function: &model.function,
            signature,
            output,
            handles: model.response.is_some(),
        }
    }

    fn functions(&self) -> Vec<TokenStream> {
        let Self {
            private, output, ..
        } = self;
        let entry = self.entry();
        let text = quote_spanned!(here()=> ::std::string::String);
        let done = quote_spanned!(here()=> ());
        let found = quote_spanned!(here()=> ::core::option::Option<#output>);
        let given = quote_spanned!(here()=> value: impl #private::Returns<#output>);
        let given = (&given, &quote_spanned!(here()=> , value));
        let key = quote_spanned!(here()=> #private::key_of(#entry));
        let put = || self.asking(PUT, "put", &done, Some(given));
        let called = quote_spanned!(here()=> #private::Called);
        let call = quote_spanned!(here()=> #private::call_of(#entry));
        let name = quote_spanned!(here()=> fn __call);
        let call = self.one(CALL, &name, None, &called, &call);
        let functions = [
            Some(self.one(KEY, &quote_spanned!(here()=> fn key), None, &text, &key)),
            Some(self.peeking(&found)),
            (!self.handles).then(put),
            Some(self.asking(INVALIDATE, "invalidate", &done, None)),
            Some(self.running(REFRESH, "refresh")),
            Some(self.running(UNCACHED, "uncached")),
            Some(quote_spanned!(here()=> #[doc(hidden)] #call)),
        ];
        functions.into_iter().flatten().collect()
    }

    /// A function that does not run the body, which gives `finds` in the end. What is returned where
    /// nobody blocks names no type of a value that it is `given`, so that a wrong one is one mistake.
    fn asking(
        &self,
        doc: &str,
        name: &str,
        finds: &TokenStream,
        given: Option<(&TokenStream, &TokenStream)>,
    ) -> TokenStream {
        let (private, entry) = (&self.private, self.entry());
        let (given, value) = given.unzip();
        let (does, returns) = match self.function.style {
            Style::Sync => (format_ident!("{name}_now"), "Result"),
            _ => (format_ident!("{name}_of"), "Soon"),
        };
        let (name, returns) = (Ident::new(name, here()), Ident::new(returns, here()));
        let body = quote_spanned!(here()=> #private::#does(#entry #value));
        let returns = quote_spanned!(here()=> #private::#returns<#finds>);
        self.one(
            doc,
            &quote_spanned!(here()=> fn #name),
            given,
            &returns,
            &body,
        )
    }

    /// The function that gives what is there. It asks nothing of the type that the function itself
    /// does not ask, so that what is wrong with it is reported once.
    fn peeking(&self, found: &TokenStream) -> TokenStream {
        if self.function.style == Style::Sync {
            return self.asking(PEEK, "peek", found, None);
        }
        let (private, entry) = (&self.private, self.entry());
        let returns = quote_spanned!(here()=> #private::Result<#found>);
        let body = quote_spanned!(here()=> #entry.peek().await);
        let name = quote_spanned!(here()=> async fn peek);
        self.one(PEEK, &name, None, &returns, &body)
    }

    /// A function that runs the body.
    fn running(&self, doc: &str, name: &str) -> TokenStream {
        let private = &self.private;
        let name = Ident::new(name, here());
        if self.function.style == Style::Sync {
            let now = format_ident!("{name}_now");
            let call = self.call(&named(self.signature).to_token_stream());
            let body = quote_spanned!(here()=> #private::#now(|| #call));
            return self.one(
                doc,
                &quote_spanned!(here()=> fn #name),
                None,
                &self.output,
                &body,
            );
        }
        let entry = self.entry();
        let body = quote_spanned!(here()=> #entry.#name().await);
        self.one(
            doc,
            &quote_spanned!(here()=> async fn #name),
            None,
            &self.output,
            &body,
        )
    }

    /// One function of the companion, which takes what the function takes, and what is `given`.
    fn one(
        &self,
        doc: &str,
        name: &TokenStream,
        given: Option<&TokenStream>,
        returns: &TokenStream,
        body: &TokenStream,
    ) -> TokenStream {
        let Function { outer, vis, .. } = self.function;
        let deprecated = kept(outer, "deprecated");
        let generics = &self.signature.generics;
        let bounds = &generics.where_clause;
        let arguments = self.arguments();
        let arguments = arguments.map(|(name, ty)| quote_spanned!(here()=> #name: #ty,));
        quote_spanned! {here()=>
            #(#deprecated)*
            #[doc = #doc]
            #[inline]
            #vis #name #generics (#(#arguments)* #given) -> #returns #bounds {
                #body
            }
        }
    }

    /// The function that is captured instead of one that blocks.
    fn captured(&self, model: &Cached) -> TokenStream {
        let item = self.item(&named(self.signature).to_token_stream());
        let text = captured(model, &item);
        let (inputs, generics) = (&self.signature.inputs, &self.signature.generics);
        let (bounds, output) = (&generics.where_clause, &self.output);
        quote_spanned! {here()=>
            #[allow(unused_mut, unused_variables)]
            #[inline]
            async fn captured #generics (#inputs) -> #output #bounds {
                #text
            }
        }
    }

    /// The entry of the call.
    fn entry(&self) -> TokenStream {
        let private = &self.private;
        let call = match self.function.style {
            Style::Sync => self.call(&quote_spanned!(here()=> Self::captured)),
            _ => self.call(&named(self.signature).to_token_stream()),
        };
        quote_spanned!(here()=> #private::entry(#call))
    }

    fn call(&self, function: &TokenStream) -> TokenStream {
        let item = self.item(function);
        let arguments = self.arguments().map(|(name, _)| name);
        quote_spanned!(here()=> #item (#(#arguments),*))
    }

    /// A function with the types that it was given; the compiler finds the lifetimes.
    fn item(&self, function: &TokenStream) -> TokenStream {
        let params = self.signature.generics.params.iter();
        let types = params.filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        });
        let types: Vec<_> = types.collect();
        let types = (!types.is_empty()).then(|| quote_spanned!(here()=> ::<#(#types),*>));
        quote_spanned!(here()=> #function #types)
    }

    /// The arguments with a name each, also where the function takes them apart.
    fn arguments(&self) -> impl Iterator<Item = (Ident, &Type)> {
        let typed = self
            .signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(typed) => Some(typed),
            });
        // An argument that is called like the function would hide it.
        let hides = |name: &Ident| name.unraw() == self.signature.ident.unraw();
        typed.enumerate().map(move |(at, typed)| {
            let name = match &*typed.pat {
                Pat::Ident(pat) if pat.subpat.is_none() && !hides(&pat.ident) => pat.ident.clone(),
                pat => format_ident!("argument_{}", at + 1, span = ours(pat.span())),
            };
            (name, &*typed.ty)
        })
    }
}

/// The attributes of this name.
fn kept<'a>(
    attributes: &'a [Attribute],
    name: &'static str,
) -> impl Iterator<Item = &'a Attribute> {
    let named = move |attribute: &&Attribute| attribute.path().is_ident(name);
    attributes.iter().filter(named)
}

/// The name of the function and of its companion. It is at the function, but ours: lints about a
/// name or its documentation are not for the user, and no argument of that name is meant.
fn named(signature: &Signature) -> Ident {
    let mut name = signature.ident.clone();
    name.set_span(ours(name.span()));
    name
}

fn ours(span: Span) -> Span {
    span.resolved_at(here())
}
