//! How an annotated function gets into the graph of its program.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;

use super::here;
use crate::{
    args::CacheArg,
    model::{Cached, Invalidate},
    template::Template,
};

/// A statement that registers a cached function, in sight of its `SITE`.
pub(super) fn function(private: &TokenStream, model: &Cached) -> TokenStream {
    let cache = cache(model.cache.as_ref());
    let tags = list("tags", &model.tags);
    let computes = model.choices.ttl_from.as_ref();
    let computes = computes.map(|_| quote_spanned!(here()=> .computes_ttl()));
    submit(
        private,
        &quote_spanned! {here()=>
            cached(&SITE, ::core::file!(), ::core::line!()) #tags #computes #cache
        },
    )
}

/// A statement that registers a function that invalidates.
pub(super) fn write(private: &TokenStream, model: &Invalidate) -> TokenStream {
    let name = model.function.sig.ident.unraw().to_string();
    let prefixes = list("prefixes", &model.prefixes);
    let keys = list("keys", &model.keys);
    let tags = list("tags", &model.tags);
    let all = model.all.then(|| quote_spanned!(here()=> .all()));
    let cache = cache(model.cache.as_ref());
    submit(
        private,
        &quote_spanned! {here()=>
            write(
                ::core::concat!(::core::module_path!(), "::", #name),
                ::core::file!(),
                ::core::line!(),
            ) #prefixes #keys #tags #all #cache
        },
    )
}

/// A statement that registers what `node`, a call of a constructor, makes.
fn submit(private: &TokenStream, node: &TokenStream) -> TokenStream {
    quote_spanned!(here()=> #private::submit! { #private::Node::#node })
}

/// A call of `method` with the texts of `templates`, if there are any.
fn list(method: &str, templates: &[Template]) -> Option<TokenStream> {
    let method = syn::Ident::new(method, here());
    let texts = templates.iter().map(|template| &template.text);
    (!templates.is_empty()).then(|| quote_spanned!(here()=> .#method(&[#(#texts),*])))
}

/// What the attribute calls its cache.
fn cache(cache: Option<&CacheArg>) -> Option<TokenStream> {
    let call = match cache? {
        CacheArg::Name(name) => quote_spanned!(here()=> .named(#name)),
        CacheArg::Expr(cache) => {
            let text = cache.to_token_stream().to_string();
            // As people write paths and fields; it is only shown.
            let text = text.replace(" . ", ".").replace(" :: ", "::");
            quote_spanned!(here()=> .by(#text))
        }
    };
    Some(call)
}
