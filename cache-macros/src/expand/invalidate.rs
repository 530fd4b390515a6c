//! `#[invalidate_cache]`.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::{around, cache, graph, here, key::writer, private, ran};
use crate::{args::When, function::Style, model::Invalidate};

/// `#[invalidate_cache]`: what to invalidate is named before the body moves the arguments.
pub(crate) fn invalidate(model: &Invalidate) -> TokenStream {
    let function = &model.function;
    let krate = model.krate.as_ref();
    let private = private(krate, here());
    let cache = cache(&private, model.cache.as_ref());
    let prefixes = model.prefixes.iter().map(|prefix| writer(krate, prefix));
    let keys = model.keys.iter().map(|key| writer(krate, key));
    let tags = model.tags.iter().map(|tag| writer(krate, tag));
    let all = model.all.then(|| quote_spanned!(here()=> .all()));
    let node = graph::write(&private, model);
    let purge = quote_spanned! {here()=> {
        #node
        #cache
        #private::Purge::new(cache) #(.prefix(#prefixes))* #(.key(#keys))* #(.tag(#tags))* #all
    }};
    let ran = ran(krate, function, &function.output());
    let run = match function.style {
        Style::Sync => quote_spanned!(here()=> .run_blocking()),
        Style::Async | Style::Boxed | Style::Opaque => quote_spanned!(here()=> .run().await),
    };
    let text = match model.when {
        When::Before => quote_spanned! {here()=>
            #purge #run;
            #ran
        },
        When::Always => quote_spanned! {here()=>
            let purge = #purge.on_exit();
            let output = #ran;
            purge #run;
            output
        },
        When::Ok => quote_spanned! {here()=>
            let purge = #purge.on_exit();
            let output = #ran;
            if #private::failed!(&output) {
                purge.disarm();
            } else {
                purge #run;
            }
            output
        },
    };
    around(function, &text)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use quote::quote;

    use super::invalidate;
    use crate::{
        expand::{or_report, tests::assert_text},
        model::Invalidate,
    };

    #[test]
    fn a_write_names_what_it_invalidates_before_it_runs() {
        let args = quote!(
            prefix = "users:<id>:*",
            keys = ["names:<name>"],
            tags = "team"
        );
        let item = quote! {
            async fn rename(id: u64, name: String) -> Result<(), DbError> {
                store(id, name).await
            }
        };
        let text = or_report(Invalidate::check(args, &item), invalidate, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn rename(id: u64, name: String) -> Result<(), DbError> {
                    let purge = {
                        ::larder::__private::submit! {
                            ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                            "::", "rename"), ::core::file!(), ::core::line!(),).prefixes(&
                            ["users:<id>"]).keys(& ["names:<name>"]).tags(& ["team"])
                        }
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        ::larder::__private::Purge::new(cache)
                            .prefix(|key| {
                                key.literal("users:");
                                ::larder::__private::part(key, &id);
                            })
                            .key(|key| {
                                key.literal("names:");
                                ::larder::__private::part(key, &name);
                            })
                            .tag(|key| {
                                key.literal("team");
                            })
                    }
                        .on_exit();
                    let output = async move {
                        #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
                        if false {
                            let output: Result<(), DbError> = loop {};
                            return output;
                        }
                        #[allow(clippy::used_underscore_binding)]
                        let _ = (&id, &name);
                        { store(id, name).await }
                    }
                        .await;
                    if ::larder::__private::failed!(& output) {
                        purge.disarm();
                    } else {
                        purge.run().await;
                    }
                    output
                }
            "#]],
        );
    }
}
