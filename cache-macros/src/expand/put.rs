//! `#[cache_put]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;

use super::{
    at, cache,
    cached::table_of,
    choices::millis,
    graph, here,
    key::{late_writer, writer},
    private,
    write::Steps,
};
use crate::{model::Put, template::Template};

/// Adds what one `#[cache_put]` does before and after the body, as `put`. What others change from
/// the beginning on counts; the key is named then, if it can be.
pub(super) fn put(model: &Put, put: &Ident, writer: &Ident, steps: &mut Steps) {
    let krate = model.krate.as_ref();
    let private = private(krate, here());
    let site = site(&private, model, &steps.function);
    let node = graph::put(&private, &steps.function, model);
    let cache = cache(&private, model.cache.as_ref());
    let condition = model.condition.as_ref();
    let is_wanted = condition.map(|_| quote_spanned!(here()=> .only_if(is_wanted)));
    let condition = condition.map(|wanted| quote_spanned!(here()=> let is_wanted: bool = #wanted;));
    let key = Named::of(model, std::slice::from_ref(&model.key), steps);
    let key = key.map(|key| quote_spanned!(here()=> #(.key(#key))*));
    let tags = Named::of(model, &model.tags, steps);
    let tags = tags.map(|tags| {
        (!tags.is_empty()).then(|| quote_spanned!(here()=> .tags(|tags| { #(tags.add(#tags);)* })))
    });
    let (early_key, late_key) = (key.early, key.late);
    let (early_tags, late_tags) = (tags.early, tags.late);
    steps.before.push(quote_spanned! {here()=>
        let #put = {
            #node
            #cache
            #condition
            #private::Put::new(#site, cache, #writer) #is_wanted #early_tags #early_key
        };
    });
    steps.before.extend(reserve(model, put, steps));
    let unless = model.unless.as_ref().map(|unless| {
        let private = super::private(krate, at(unless));
        quote_spanned!(at(unless)=> .only_if(!#private::asked(ret, #unless)))
    });
    let value = quote_spanned!(at(&model.output)=> .value(shape, ret));
    steps.named.push(quote_spanned! {here()=>
        let #put = match #private::kept!(&output) {
            ::core::option::Option::Some(ret) => #put #late_tags #late_key #unless #value,
            ::core::option::Option::None => #put.nothing(),
        };
    });
    let run = steps.run(Some(&table(model)));
    steps.after.push(quote_spanned!(here()=> #put #run;));
}

/// Takes the right to store before the body, if the key is known then and no invalidation of this
/// very function can take it away unseen.
fn reserve(model: &Put, put: &Ident, steps: &Steps) -> Option<TokenStream> {
    let mut templates = std::iter::once(&model.key).chain(&model.tags);
    if !steps.waits() || model.local || steps.late || templates.any(Template::awaits_ret) {
        return None;
    }
    let (table, purges) = (table(model), &steps.purges);
    Some(quote_spanned! {here()=>
        let #put = #put #(.beside(&#purges))* .reserve(#table).await;
    })
}

fn table(model: &Put) -> TokenStream {
    let krate = model.krate.as_ref();
    table_of(krate, &model.output, model.codec.as_ref(), model.local)
}

/// What is written before the body, and what after.
struct Named<T> {
    early: T,
    late: T,
}

impl Named<Vec<TokenStream>> {
    fn of(model: &Put, templates: &[Template], steps: &mut Steps) -> Self {
        let krate = model.krate.as_ref();
        let mut named = Self {
            early: Vec::new(),
            late: Vec::new(),
        };
        for template in templates {
            if template.awaits_ret() {
                let writer = late_writer(krate, template, &mut steps.before);
                named.late.push(writer);
            } else {
                named.early.push(writer(krate, template));
            }
        }
        named
    }

    fn map<T: ToTokens>(self, text: impl Fn(Vec<TokenStream>) -> T) -> Named<T> {
        Named {
            early: text(self.early),
            late: text(self.late),
        }
    }
}

/// The constants of the function.
fn site(private: &TokenStream, model: &Put, function: &Ident) -> TokenStream {
    let name = function.unraw().to_string();
    let label = &model.key.text;
    let ttl = model.ttl.as_ref().map(|ttl| {
        let millis = millis(model.krate.as_ref(), ttl);
        quote_spanned!(here()=> .ttl(#millis))
    });
    let version = model
        .version
        .map(|version| quote_spanned!(here()=> .version(#version)));
    let local = model.local.then(|| quote_spanned!(here()=> .local()));
    quote_spanned! {here()=> {
        static LARDER_SITE: #private::Site = #private::Site::new(
            ::core::concat!(::core::module_path!(), "::", #name),
            #label,
        ) #ttl #version #local;
        &LARDER_SITE
    }}
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
    fn a_key_of_arguments_is_named_before_the_body_and_the_right_to_store_taken() {
        let args = quote!(key = "users:<id>", ttl = "10m", if = id > 0);
        let item = quote! {
            async fn rename(id: u64, name: String) -> Result<User, DbError> {
                store(id, name).await
            }
        };
        let text = or_report(Write::put(args, &item), write, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn rename(id: u64, name: String) -> Result<User, DbError> {
                    let writer = ::larder::__private::Writer::one_more();
                    let shape = ::larder::__private::shape!(Result < User, DbError >);
                    let put = {
                        ::larder::__private::submit! {
                            ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                            "::", "rename"), ::core::file!(), ::core::line!(),).put("users:<id>")
                        }
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        let is_wanted: bool = id > 0;
                        ::larder::__private::Put::new(
                                {
                                    static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                                            ::core::concat!(::core::module_path!(), "::", "rename"),
                                            "users:<id>",
                                        )
                                        .ttl(600000u64);
                                    &LARDER_SITE
                                },
                                cache,
                                writer,
                            )
                            .only_if(is_wanted)
                            .key(|key| {
                                key.literal("users:");
                                ::larder::__private::KeyPart::write_key(&id, key);
                            })
                    };
                    let put = put.reserve(::larder::__private::table!(shape)).await;
                    let output = async move {
                        #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
                        if false {
                            let output: Result<User, DbError> = loop {};
                            return output;
                        }
                        #[allow(clippy::used_underscore_binding)]
                        let _ = (&id, &name);
                        { store(id, name).await }
                    }
                        .await;
                    let put = match ::larder::__private::kept!(& output) {
                        ::core::option::Option::Some(ret) => put.value(shape, ret),
                        ::core::option::Option::None => put.nothing(),
                    };
                    put.run(::larder::__private::table!(shape)).await;
                    output
                }
            "#]],
        );
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "the text is long, not the test")]
    fn what_is_invalidated_beside_a_put_comes_first_and_is_of_the_same_write() {
        let args = quote!(
            key = "users:<ret.id>:<lang>",
            tags = ["team:<team>"],
            unless = User::is_guest,
            local
        );
        let item = quote! {
            #[must_use]
            #[invalidate_cache(prefix = "lists", keys = ["names:<ret.name:lower>"])]
            async fn save(user: User, lang: String, team: u8) -> Option<User> {
                store(user, lang).await
            }
        };
        let text = or_report(Write::put(args, &item), write, &item);
        assert_text(
            text,
            &expect![[r#"
                #[must_use]
                async fn save(user: User, lang: String, team: u8) -> Option<User> {
                    {
                        #[allow(unused_imports)]
                        use invalidate_cache as _;
                    }
                    let writer = ::larder::__private::Writer::one_more();
                    let shape = ::larder::__private::shape!(Option < User >);
                    let purge = {
                        ::larder::__private::submit! {
                            ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                            "::", "save"), ::core::file!(), ::core::line!(),).prefixes(& ["lists"])
                            .keys(& ["names:<ret.name:lower>"])
                        }
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        ::larder::__private::Purge::new(cache)
                            .by(writer)
                            .prefix(|key| {
                                key.literal("lists");
                            })
                    }
                        .on_exit();
                    let written_2 = ::larder::__private::written(|key| {
                        ::larder::__private::KeyPart::write_key(&lang, key);
                    });
                    let put = {
                        ::larder::__private::submit! {
                            ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                            "::", "save"), ::core::file!(), ::core::line!(),)
                            .put("users:<ret.id>:<lang>")
                        }
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        ::larder::__private::Put::new(
                                {
                                    static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                                            ::core::concat!(::core::module_path!(), "::", "save"),
                                            "users:<ret.id>:<lang>",
                                        )
                                        .local();
                                    &LARDER_SITE
                                },
                                cache,
                                writer,
                            )
                            .tags(|tags| {
                                tags.add(|key| {
                                    key.literal("team:");
                                    ::larder::__private::KeyPart::write_key(&team, key);
                                });
                            })
                    };
                    let output = async move {
                        #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
                        if false {
                            let output: Option<User> = loop {};
                            return output;
                        }
                        #[allow(clippy::used_underscore_binding)]
                        let _ = (&user, &lang, &team);
                        { store(user, lang).await }
                    }
                        .await;
                    let purge = match ::larder::__private::kept!(& output) {
                        ::core::option::Option::Some(ret) => {
                            purge
                                .and(|purge| {
                                    purge
                                        .key(|key| {
                                            key.literal("names:");
                                            ::larder::__private::KeyPart::write_key(
                                                &::larder::__private::lower(&ret.name),
                                                key,
                                            );
                                        })
                                })
                        }
                        ::core::option::Option::None => purge,
                    };
                    let put = match ::larder::__private::kept!(& output) {
                        ::core::option::Option::Some(ret) => {
                            put.key(|key| {
                                    key.literal("users:");
                                    ::larder::__private::KeyPart::write_key(&ret.id, key);
                                    key.literal(":");
                                    key.literal(&written_2);
                                })
                                .only_if(!::larder::__private::asked(ret, User::is_guest))
                                .value(shape, ret)
                        }
                        ::core::option::Option::None => put.nothing(),
                    };
                    if ::larder::__private::failed!(& output) {
                        purge.disarm();
                    } else {
                        purge.run().await;
                    }
                    put.run(
                            ::larder::__private::ViaNear::larder_table(
                                &::larder::__private::probe(shape),
                            ),
                        )
                        .await;
                    output
                }
            "#]],
        );
    }

    #[test]
    fn a_plain_function_waits_for_nothing() {
        let args = quote!(key = "users:<id>", cache = self.cache);
        let item = quote! {
            fn rename(&self, id: u64) -> User {
                self.store(id)
            }
        };
        let text = or_report(Write::put(args, &item), write, &item);
        assert_text(
            text,
            &expect![[r#"
                fn rename(&self, id: u64) -> User {
                    let writer = ::larder::__private::Writer::one_more();
                    let shape = ::larder::__private::shape!(User);
                    let put = {
                        ::larder::__private::submit! {
                            ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                            "::", "rename"), ::core::file!(), ::core::line!(),).put("users:<id>")
                            .by("self.cache")
                        }
                        let cache: &::larder::__private::Cache = &self.cache;
                        ::larder::__private::Put::new(
                                {
                                    static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                                        ::core::concat!(::core::module_path!(), "::", "rename"),
                                        "users:<id>",
                                    );
                                    &LARDER_SITE
                                },
                                cache,
                                writer,
                            )
                            .key(|key| {
                                key.literal("users:");
                                ::larder::__private::KeyPart::write_key(&id, key);
                            })
                    };
                    let output = {
                        let output = ::larder::__private::run(move || -> User { self.store(id) });
                        ::larder::__private::settled!(& output);
                        output
                    };
                    let put = match ::larder::__private::kept!(& output) {
                        ::core::option::Option::Some(ret) => put.value(shape, ret),
                        ::core::option::Option::None => put.nothing(),
                    };
                    put.run_blocking();
                    output
                }
            "#]],
        );
    }
}
