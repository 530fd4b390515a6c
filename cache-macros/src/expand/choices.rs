//! The text of the options that decide what is kept.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote_spanned;
use syn::{Path, Type};

use super::{at, here, private};
use crate::{
    function::mentions,
    model::{Choices, Lifetime},
};

/// The lifetimes, as settings of the site.
pub(super) fn lifetimes(krate: Option<&Path>, choices: &Choices) -> TokenStream {
    let Choices {
        ttl,
        none_ttl,
        err_ttl,
        jitter,
        ..
    } = choices;
    let jitter = jitter.map(|hundredths| quote_spanned!(here()=> .jitter(#hundredths)));
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
    quote_spanned!(here()=> #ttl #none_ttl #err_ttl #jitter)
}

pub(super) fn millis(krate: Option<&Path>, lifetime: &Lifetime) -> TokenStream {
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

/// The expression `lookup`, or nothing to do with the cache where a condition says so. Who asks for
/// the key gets it all the same.
pub(super) fn on_condition(
    private: &TokenStream,
    choices: &Choices,
    lookup: TokenStream,
    bypass: &TokenStream,
) -> TokenStream {
    let Some(condition) = &choices.condition else {
        return lookup;
    };
    // What is asked of the function is not asked of what its condition calls.
    let is_await = |token: &TokenTree| matches!(token, TokenTree::Ident(it) if it == "await");
    let condition = quote_spanned!(here()=> let is_cached: bool = #condition;);
    let condition = if mentions(condition.clone(), &is_await) {
        quote_spanned! {here()=>
            let is_cached = #private::quietly(async { #condition is_cached }).await;
        }
    } else {
        quote_spanned! {here()=>
            let quiet = #private::is_asked().then(#private::quiet);
            #condition
            ::core::mem::drop(quiet);
        }
    };
    quote_spanned! {here()=> {
        #condition
        if is_cached || #private::captures() #lookup else {
            #bypass
        }
    }}
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use quote::quote;

    use crate::{
        expand::{cached, or_report, tests::assert_text},
        model::Cached,
    };

    #[test]
    #[allow(clippy::too_many_lines, reason = "the text is long, not the test")]
    fn what_is_kept_is_asked_where_the_result_comes_and_on_condition() {
        let args = quote!(
            ttl_from = Page::max_age,
            unless = |page| page.rows.is_empty(),
            none_ttl = limits::ABSENCE,
            err_ttl = "5s",
            if = number < 10,
            sensitive(token)
        );
        let item = quote! {
            async fn page(token: &str, number: u32) -> Answer<Option<Page>> {
                load(token, number).await
            }
        };
        let text = or_report(Cached::check(&args, &item), cached, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn page(token: &str, number: u32) -> Answer<Option<Page>> {
                    let site = {
                        static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                                ::core::concat!(::core::module_path!(), "::", "page"),
                                ::core::concat!(::core::module_path!(), "::", "page"),
                            )
                            .none_ttl(::larder::__private::millis(limits::ABSENCE))
                            .err_ttl(5000u64);
                        ::larder::__private::submit! {
                            ::larder::__private::Node::cached(& LARDER_SITE, ::core::file!(),
                            ::core::line!()).computes_ttl()
                        }
                        &LARDER_SITE
                    };
                    let shape = ::larder::__private::shape!(Answer < Option < Page > >);
                    let shape = ::larder::__private::keeps_absences(shape);
                    let shape = ::larder::__private::ttl_from(shape, Page::max_age);
                    let shape = ::larder::__private::unless(shape, |page| page.rows.is_empty());
                    let shape = ::larder::__private::keeps_errors(shape);
                    #[allow(clippy::used_underscore_binding)]
                    let missed = {
                        let quiet = ::larder::__private::is_asked().then(::larder::__private::quiet);
                        let is_cached: bool = number < 10;
                        ::core::mem::drop(quiet);
                        if is_cached || ::larder::__private::captures() {
                            let mut writer = ::larder::__private::KeyWriter::new();
                            let key = &mut writer;
                            ::larder::__private::default_path!(key, "page");
                            key.literal(":(");
                            ::larder::__private::KeyPart::write_key(
                                &::larder::__private::hashed(&token),
                                key,
                            );
                            key.literal(",");
                            ::larder::__private::KeyPart::write_key(&number, key);
                            key.literal(",");
                            key.literal(")");
                            let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                            match ::larder::__private::near(site, cache, &writer, shape) {
                                ::core::result::Result::Ok(hit) => return hit,
                                ::core::result::Result::Err(missed) => missed,
                            }
                        } else {
                            ::larder::__private::Missed::bypass()
                        }
                    };
                    missed
                        .load(
                            shape,
                            ::larder::__private::table!(shape),
                            ::std::boxed::Box::pin(async move {
                                #[allow(
                                    unreachable_code,
                                    clippy::diverging_sub_expression,
                                    clippy::empty_loop
                                )]
                                if false {
                                    let output: Answer<Option<Page>> = loop {};
                                    return output;
                                }
                                #[allow(clippy::used_underscore_binding)]
                                let _ = (&token, &number);
                                { load(token, number).await }
                            }),
                        )
                        .await
                }
                ///What can be done with the cache entry of one call of the function `page`.
                enum page {}
                #[allow(clippy::all, clippy::pedantic)]
                impl page {
                    /**The key of this call, as the methods of a cache take it.

                # Panics

                If another attribute below makes the function wait before it looks into the cache.*/
                    #[inline]
                    fn key(token: &str, number: u32) -> ::std::string::String {
                        ::larder::__private::key_of(::larder::__private::entry(page(token, number)))
                    }
                    /**What this call would return from the cache; `None` if it would have to load.

                # Errors

                If only the far tier could tell and did not.*/
                    #[inline]
                    async fn peek(
                        token: &str,
                        number: u32,
                    ) -> ::larder::__private::Result<::core::option::Option<Answer<Option<Page>>>> {
                        ::larder::__private::entry(page(token, number)).peek().await
                    }
                    /**Stores a value as if this call had returned it.

                # Errors

                If the far tier did not take it.*/
                    #[inline]
                    fn put(
                        token: &str,
                        number: u32,
                        value: impl ::larder::__private::Returns<Answer<Option<Page>>>,
                    ) -> ::larder::__private::Soon<()> {
                        ::larder::__private::put_of(
                            ::larder::__private::entry(page(token, number)),
                            value,
                        )
                    }
                    /**Removes the value of this call from all tiers.

                # Errors

                If the far tier did not confirm it; it is tried again.*/
                    #[inline]
                    fn invalidate(token: &str, number: u32) -> ::larder::__private::Soon<()> {
                        ::larder::__private::invalidate_of(
                            ::larder::__private::entry(page(token, number)),
                        )
                    }
                    ///Loads even if there is a value, and stores the result.
                    #[inline]
                    async fn refresh(token: &str, number: u32) -> Answer<Option<Page>> {
                        ::larder::__private::entry(page(token, number)).refresh().await
                    }
                    ///Loads, and leaves the cache alone.
                    #[inline]
                    async fn uncached(token: &str, number: u32) -> Answer<Option<Page>> {
                        ::larder::__private::entry(page(token, number)).uncached().await
                    }
                    #[doc(hidden)]
                    ///The entry of this call, for the attributes.
                    #[inline]
                    fn __call(token: &str, number: u32) -> ::larder::__private::Called {
                        ::larder::__private::call_of(::larder::__private::entry(page(token, number)))
                    }
                }
            "#]],
        );
    }
}
