//! The text of the generated code: one file for each attribute, and what they share. Everything
//! here has been checked, so nothing can fail.
//!
//! Locals are hygienic, so that they cannot meet the user's names; items stand in blocks of their
//! own, out of sight of the user's code, because items have no hygiene.

mod batch;
mod cached;
mod call;
mod choices;
mod companion;
mod graph;
mod invalidate;
mod key;
mod key_part;
mod put;
mod response;
mod write;

pub(crate) use self::{
    cached::cached, companion::companion_alone, key_part::key_part, write::write,
};

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, Result, ReturnType, Signature, Type, spanned::Spanned};

use crate::{
    args::CacheArg,
    function::{Function, Style, Unpacked, mentions},
};

/// The expansion, or the mistakes beside the item as it was written.
pub(crate) fn or_report<T>(
    checked: Result<T>,
    expand: fn(&T) -> TokenStream,
    item: &TokenStream,
) -> TokenStream {
    match checked {
        Ok(model) => expand(&model),
        Err(mistakes) => {
            let mistakes = mistakes.into_compile_error();
            quote!(#item #mistakes)
        }
    }
}

/// Where names are ours: they see the user's items, but locals are apart.
fn here() -> Span {
    Span::mixed_site()
}

/// The place of `tokens`, where an error about them belongs.
fn at(tokens: &impl Spanned) -> Span {
    tokens.span().resolved_at(here())
}

/// The room of the runtime that is for generated code alone, named at `span`.
fn private(krate: Option<&Path>, span: Span) -> TokenStream {
    let krate = krate.map_or_else(|| quote_spanned!(span=> ::larder), Path::to_token_stream);
    quote_spanned!(span=> #krate::__private)
}

/// The function as it was written, with `text` for its body.
fn around(krate: Option<&Path>, function: &Function, text: &TokenStream) -> TokenStream {
    around_as(krate, function, &function.sig, text)
}

/// The same, with another signature.
fn around_as(
    krate: Option<&Path>,
    function: &Function,
    sig: &Signature,
    text: &TokenStream,
) -> TokenStream {
    let Function {
        outer,
        vis,
        inner,
        style,
        ..
    } = function;
    let text = match style {
        Style::Async | Style::Sync => text.clone(),
        // As with an `async fn`, nothing happens before the future is polled.
        Style::Boxed => {
            let unpacked = function.unpacked.iter().map(|Unpacked { pat, from }| {
                quote_spanned!(here()=> #[allow(unused_variables)] let #pat = &#from;)
            });
            quote_spanned! {here()=>
                ::std::boxed::Box::pin(async move { #(#unpacked)* #text })
            }
        }
        Style::Opaque => quote_spanned!(here()=> async move { #text }),
    };
    let plain = (*style == Style::Opaque)
        .then(|| quote_spanned!(here()=> #[allow(clippy::manual_async_fn)]));
    let absences = absences(krate, function);
    quote_spanned! {here()=>
        #(#outer)* #plain #vis #sig {
            #(#inner)*
            #absences
            #text
        }
    }
}

/// Names for the parameters that are not there, so that nothing else need ask whether they are.
fn absences(krate: Option<&Path>, function: &Function) -> TokenStream {
    let private = private(krate, here());
    let absences = function.absences();
    let absences = absences.iter().map(|(name, when)| {
        quote_spanned! {here()=>
            #[cfg(#when)]
            #[allow(unused_variables, clippy::no_effect_underscore_binding)]
            let #name = #private::ParameterRemovedByCfg;
        }
    });
    absences.collect()
}

/// A statement that binds `cache`. A reference to whatever derefs to a cache is one.
fn cache(private: &TokenStream, cache: Option<&CacheArg>) -> TokenStream {
    let cache = match cache {
        None => quote_spanned!(here()=> #private::default_cache()),
        Some(CacheArg::Name(name)) => quote_spanned!(here()=> #private::named_cache(#name)),
        Some(CacheArg::Expr(cache)) => quote_spanned!(at(cache)=> &#cache),
    };
    quote_spanned!(here()=> let cache: &#private::Cache = #cache;)
}

/// The user's body, run to its end: an expression of what the function gives.
fn ran(krate: Option<&Path>, function: &Function, output: &Type) -> TokenStream {
    let body = body(krate, function, output);
    if function.style != Style::Sync {
        return quote_spanned!(here()=> #body.await);
    }
    let private = private(krate, at(output));
    let ran = quote_spanned!(at(output)=> #private::run(#body));
    if matches!(output, Type::Never(_)) {
        return ran;
    }
    quote_spanned! {at(output)=> {
        let output = #ran;
        #private::settled!(&output);
        output
    }}
}

/// The user's body as a future that owns the arguments, so that it can live on its own; or, of a
/// plain `fn`, as a closure.
fn body(krate: Option<&Path>, function: &Function, output: &Type) -> TokenStream {
    let span = at(&function.body);
    if function.style == Style::Sync {
        return closure(function);
    }
    let edge = edge(output);
    if function.builds_future {
        let private = private(krate, here());
        let build = closure(function);
        return quote_spanned! {span=> async move {
            #edge
            #private::run(#build).await
        }};
    }
    // Whoever writes the future by hand decides what it holds.
    let holds = function.holds_arguments.then(|| {
        let arguments = function.arguments();
        let arguments = arguments.iter().map(|argument| &argument.ident);
        quote_spanned! {here()=>
            #[allow(clippy::used_underscore_binding)]
            let _ = (#(&#arguments,)*);
        }
    });
    let block = block(function);
    quote_spanned! {span=> async move {
        #edge
        #holds
        #block
    }}
}

/// A return that is never reached types the body, so that a wrong one is reported inside it.
fn edge(output: &Type) -> Option<TokenStream> {
    is_writable(output).then(|| {
        quote_spanned! {at(output)=>
            #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
            if false {
                let output: #output = loop {};
                return output;
            }
        }
    })
}

/// The statements of the body as a closure that is called once.
fn closure(function: &Function) -> TokenStream {
    let block = block(function);
    let span = at(&function.body);
    match &function.sig.output {
        ReturnType::Type(_, output) if is_writable(output) => {
            quote_spanned!(span=> move || -> #output #block)
        }
        ReturnType::Default => quote_spanned!(span=> move || -> () #block),
        ReturnType::Type(..) => quote_spanned!(span=> move || { #block }),
    }
}

/// Whether a type can be written in a body and says something: `impl …` and `!` cannot, `_` does not.
fn is_writable(ty: &Type) -> bool {
    let opaque = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "impl");
    !matches!(ty, Type::Never(_) | Type::Infer(_)) && !mentions(ty.to_token_stream(), &opaque)
}

/// The user's statements as a block of their own, so that they begin with the first of them; it is
/// ours to the lints, which would find its braces needless.
fn block(function: &Function) -> Group {
    let mut block = Group::new(Delimiter::Brace, function.body.stream());
    block.set_span(at(&function.body));
    block
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::{or_report, write};
    use crate::model::Write;

    /// Holds `tokens` against a snapshot; `UPDATE_EXPECT=1` writes it anew.
    pub(super) fn assert_text(tokens: TokenStream, expected: &Expect) {
        let file = syn::parse2(tokens).expect("an expansion is a file of items");
        expected.assert_eq(&prettyplease::unparse(&file));
    }

    #[test]
    fn the_item_stays_beside_the_mistakes() {
        let item = quote!(
            async fn rename(id: u64) {}
        );
        let text = or_report(Write::invalidate(quote!(), &item), write, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn rename(id: u64) {}
                ::core::compile_error! {
                    "nothing to invalidate: give `prefix`, `keys`, `tags`, `of` or `all`"
                }
            "#]],
        );
    }
}
