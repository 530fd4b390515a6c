//! `#[invalidate_cache]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::Path;

use super::{
    cache,
    call::entry,
    graph, here,
    key::{late_writer, writer},
    private,
    write::Steps,
};
use crate::{args::When, model::Invalidate, template::Template};

/// Adds what one `#[invalidate_cache]` does before and after the body, as `purge`. What is to be
/// invalidated is named before the body moves the arguments, as far as it does not take what the
/// function returns.
pub(super) fn invalidate(model: &Invalidate, purge: &Ident, by: Option<&Ident>, steps: &mut Steps) {
    let krate = model.krate.as_ref();
    let private = private(krate, here());
    let node = graph::invalidate(&private, &steps.function, model);
    let cache = cache(&private, model.cache.as_ref());
    let by = by.map(|writer| quote_spanned!(here()=> .by(#writer)));
    let all = model.all.then(|| quote_spanned!(here()=> .all()));
    let (early, late) = named(model, steps);
    let named = quote_spanned! {here()=> {
        #node
        #cache
        #private::Purge::new(cache) #by #early #all
    }};
    let run = steps.run(None);
    if let When::Before = model.when {
        steps.before.push(quote_spanned!(here()=> #named #run;));
        return;
    }
    let guard = quote_spanned!(here()=> let #purge = #named.on_exit(););
    steps.before.push(guard);
    steps.purges.push(purge.clone());
    if model.strict {
        let (mark, confirm) = two_phases(krate, purge, steps.returns);
        steps.before.push(mark);
        steps.after.push(confirm);
        return;
    }
    if !late.is_empty() {
        steps.late = true;
        steps.named.push(quote_spanned! {here()=>
            let #purge = match #private::kept!(&output) {
                ::core::option::Option::Some(ret) => #purge.and(|purge| purge #late),
                ::core::option::Option::None => #purge,
            };
        });
    }
    steps.after.push(match model.when {
        When::Ok => quote_spanned! {here()=>
            if #private::failed!(&output) {
                #purge.disarm();
            } else {
                #purge #run;
            }
        },
        When::Always | When::Before => quote_spanned!(here()=> #purge #run;),
    });
}

/// What a strict invalidation does before the body, and after it. The function's own error goes
/// before the cache's; after it as well the marks are to be replaced.
fn two_phases(krate: Option<&Path>, purge: &Ident, returns: Span) -> (TokenStream, TokenStream) {
    // Asks the return type to hold the cache's error.
    let asking = private(krate, returns);
    let refuse = quote_spanned!(returns=> #asking::refuse(error));
    let private = private(krate, here());
    let mark = quote_spanned! {here()=>
        let #purge = match #purge.mark().await {
            ::core::result::Result::Ok(purge) => purge,
            ::core::result::Result::Err(error) => return #refuse,
        };
    };
    let confirm = quote_spanned! {here()=>
        let output = match #purge.confirm().await {
            ::core::result::Result::Err(error) if !#private::failed!(&output) => #refuse,
            _ => output,
        };
    };
    (mark, confirm)
}

/// The calls that name what is invalidated: those that can be made before the body, and those
/// that take what the function returns.
fn named(model: &Invalidate, steps: &mut Steps) -> (TokenStream, TokenStream) {
    let krate = model.krate.as_ref();
    let (mut early, mut late) = (TokenStream::new(), TokenStream::new());
    let groups: [(_, &[Template]); 3] = [
        ("prefix", &model.prefixes),
        ("key", &model.keys),
        ("tag", &model.tags),
    ];
    for (name, templates) in groups {
        let name = Ident::new(name, here());
        for template in templates {
            if template.awaits_ret() {
                let writer = late_writer(krate, template, &mut steps.before);
                late.extend(quote_spanned!(here()=> .#name(#writer)));
            } else {
                let writer = writer(krate, template);
                early.extend(quote_spanned!(here()=> .#name(#writer)));
            }
        }
    }
    let of = match model.cache {
        // This attribute's own cache, whichever that of the function is.
        Some(_) => "entry_here",
        None => "entry",
    };
    let of = Ident::new(of, here());
    for call in &model.of {
        let entry = entry(call, &mut steps.before);
        let named = quote_spanned!(here()=> .#of(#entry));
        if call.awaits_ret() {
            late.extend(named);
        } else {
            early.extend(named);
        }
    }
    (early, late)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use quote::quote;

    use crate::{
        expand::{or_report, tests::assert_text, write},
        model::Write,
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
        let text = or_report(Write::invalidate(args, &item), write, &item);
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
                                ::larder::__private::KeyPart::write_key(&id, key);
                            })
                            .key(|key| {
                                key.literal("names:");
                                ::larder::__private::KeyPart::write_key(&name, key);
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
