//! How an annotated function gets into the graph of its program.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;

use super::here;
use crate::{
    args::CacheArg,
    model::{Cached, Invalidate, Put},
    template::Template,
};

/// A statement that registers a cached function, in sight of its `LARDER_SITE`.
pub(super) fn function(private: &TokenStream, model: &Cached) -> TokenStream {
    let cache = cache(model.cache.as_ref());
    let tags = list("tags", &model.tags);
    let computes = model.choices.ttl_from.as_ref();
    let computes = computes.map(|_| quote_spanned!(here()=> .computes_ttl()));
    submit(
        private,
        &quote_spanned! {here()=>
            cached(&LARDER_SITE, ::core::file!(), ::core::line!()) #tags #computes #cache
        },
    )
}

/// A statement that registers what a function invalidates.
pub(super) fn invalidate(
    private: &TokenStream,
    function: &Ident,
    model: &Invalidate,
) -> TokenStream {
    let prefixes = list("prefixes", &model.prefixes);
    let keys = list("keys", &model.keys);
    let tags = list("tags", &model.tags);
    let of = model.of.iter().map(|call| {
        let function = call.function.segments.iter();
        let names: Vec<_> = function.map(|it| it.ident.unraw().to_string()).collect();
        names.join("::")
    });
    let of: Vec<_> = of.collect();
    let of = (!of.is_empty()).then(|| quote_spanned!(here()=> .of(&[#(#of),*])));
    let all = model.all.then(|| quote_spanned!(here()=> .all()));
    let cache = cache(model.cache.as_ref());
    let targets = quote_spanned!(here()=> #prefixes #keys #tags #of #all #cache);
    write(private, function, &targets)
}

/// A statement that registers where a function stores what it returns.
pub(super) fn put(private: &TokenStream, function: &Ident, model: &Put) -> TokenStream {
    let key = &model.key.text;
    let cache = cache(model.cache.as_ref());
    let targets = quote_spanned!(here()=> .put(#key) #cache);
    write(private, function, &targets)
}

fn write(private: &TokenStream, function: &Ident, targets: &TokenStream) -> TokenStream {
    let name = function.unraw().to_string();
    submit(
        private,
        &quote_spanned! {here()=>
            write(
                ::core::concat!(::core::module_path!(), "::", #name),
                ::core::file!(),
                ::core::line!(),
            ) #targets
        },
    )
}

/// A statement that registers what `node`, a call of a constructor, makes.
fn submit(private: &TokenStream, node: &TokenStream) -> TokenStream {
    quote_spanned!(here()=> #private::submit! { #private::Node::#node })
}

/// A call of `method` with the texts of `templates`, if there are any.
fn list(method: &str, templates: &[Template]) -> Option<TokenStream> {
    let method = Ident::new(method, here());
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
