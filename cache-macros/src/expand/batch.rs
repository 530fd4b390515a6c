//! `#[cached(batch = …)]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{FnArg, Path, Signature, parse_quote, spanned::Spanned};

use super::{
    around_as, at, body, cache,
    cached::{default_arguments, default_path, site, table_of, warning},
    choices, here,
    key::{template_parts, writer},
    private,
};
use crate::{
    function::{Function, mentions},
    model::{Batch, Cached, Given, Key},
};

/// `#[cached(batch = …)]`: the body runs as often as the runtime asks for elements.
pub(super) fn batched(model: &Cached, batch: &Batch) -> TokenStream {
    let Cached {
        function, output, ..
    } = model;
    let krate = model.krate.as_ref();
    let warnings = model
        .left_out
        .iter()
        .map(|(argument, message)| warning(argument, message));
    let site = site(model, true);
    let (kinds, look) = (kinds(model), look(model, batch));
    let list = list(model, batch);
    let tags = tags(model, batch);
    let given = given(model, batch);
    let body = body(krate, function, output);
    let body = quote_spanned!(at(&function.body)=> ::std::boxed::Box::pin(#body));
    let room = room(krate, output);
    let table = table(model);
    let ask = quote_spanned!(at(output)=> #room::ask(&mut *batch, #table).await);
    let run = quote_spanned!(at(output)=> #room::run(&mut *batch, #body).await;);
    let finish = quote_spanned!(at(output)=> #room::finish(*batch));
    around_as(
        krate,
        function,
        &signature(function),
        &quote_spanned! {here()=>
            #(#warnings)*
            let site = #site;
            #kinds
            #list
            #[allow(clippy::used_underscore_binding)]
            let mut batch = #look;
            #tags
            while let ::core::option::Option::Some(part) = #ask {
                #given
                #run
            }
            #finish
        },
    )
}

/// The room of the runtime that is for batches, named at `at`.
fn room(krate: Option<&Path>, at: &impl Spanned) -> TokenStream {
    let at = super::at(at);
    let private = private(krate, at);
    quote_spanned!(at=> #private::batch)
}

/// Statements that bind what the map and the values in it are.
fn kinds(model: &Cached) -> TokenStream {
    let (krate, output) = (model.krate.as_ref(), &model.output);
    let room = room(krate, output);
    // An element that is left out is an absence, whatever its type.
    let choices = choices::chosen(krate, &model.choices);
    quote_spanned! {at(output)=>
        let answer = #room::answer!(#output);
        let answer = #room::answering(answer);
        let shape = #room::element_shape!(answer);
        #choices
    }
}

/// A statement that binds `list`. What is no list is reported at its name.
fn list(model: &Cached, batch: &Batch) -> TokenStream {
    let ident = &batch.list.ident;
    let room = room(model.krate.as_ref(), ident);
    let lent = batch.list.borrow().map(|_| quote_spanned!(at(ident)=> *));
    quote_spanned!(at(ident)=> let list = #room::list(&#lent #ident);)
}

/// The lookup in the near tier, which returns if that has everything.
fn look(model: &Cached, batch: &Batch) -> TokenStream {
    let (krate, output, element) = (model.krate.as_ref(), &model.output, &batch.list.ident);
    let cache = cache(&private(krate, here()), model.cache.as_ref());
    let (start, key) = match &model.key {
        Key::Template(template) => (None, template_parts(krate, template)),
        // The path tells by the name of a closure where it stands, so not in one of ours.
        Key::Default(arguments) => {
            let private = private(krate, here());
            let path = default_path(model);
            let arguments = default_arguments(krate, model, arguments);
            let start = quote_spanned! {here()=>
                let mut start = #private::KeyWriter::new();
                let key = &mut start;
                #path
            };
            let key = quote_spanned!(here()=> key.literal(start.as_str()); #arguments);
            (Some(start), key)
        }
    };
    let room = room(krate, output);
    let batch = quote_spanned! {at(output)=>
        #room::near(site, cache, list, answer, shape, |key, #element| { #key })
    };
    let lookup = quote_spanned! {here()=> {
        #cache
        #start
        match #batch {
            ::core::result::Result::Ok(hits) => return hits,
            ::core::result::Result::Err(batch) => batch,
        }
    }};
    let bypass = quote_spanned!(at(output)=> #room::bypass(list, answer, shape));
    choices::on_condition(&private(krate, here()), &model.choices, lookup, &bypass)
}

/// A statement that adds tags to what is missing.
fn tags(model: &Cached, batch: &Batch) -> Option<TokenStream> {
    let element = &batch.list.ident;
    let tags = model
        .tags
        .iter()
        .map(|tag| writer(model.krate.as_ref(), tag));
    let room = room(model.krate.as_ref(), &model.output);
    (!model.tags.is_empty()).then(|| {
        quote_spanned! {at(&model.output)=>
            #[allow(unused_variables, clippy::used_underscore_binding)]
            #room::tags(&mut *batch, |tags, #element| { #(tags.add(#tags);)* });
        }
    })
}

/// How the values become bytes, if they do.
fn table(model: &Cached) -> TokenStream {
    let (krate, output) = (model.krate.as_ref(), &model.output);
    if model.local || model.codec.is_some() {
        return table_of(krate, output, model.codec.as_ref(), model.local);
    }
    // `table!`, written out: what cannot be cached is reported once for each macro it goes through.
    let private = private(krate, at(output));
    quote_spanned! {at(output)=> {
        #[allow(unused_imports)]
        use #private::{ViaFar as _, ViaNear as _, ViaRaw as _};
        (&&&#private::probe(shape)).larder_table()
    }}
}

/// Statements that give one run of the body its arguments. One that cannot be given again is
/// reported at its type.
fn given(model: &Cached, batch: &Batch) -> TokenStream {
    let list = &batch.list;
    let (ident, mutability) = (&list.ident, mutability(list));
    let part = if list.borrow().is_some() {
        {
            let room = room(model.krate.as_ref(), &model.output);
            quote_spanned!(at(&model.output)=> #room::lend(&*batch, &part))
        }
    } else {
        quote_spanned!(here()=> part)
    };
    let others = batch.others.iter().map(|other| {
        let (ident, mutability) = (&other.ident, self::mutability(other));
        let at = other.ty.as_ref().map_or_else(|| at(ident), at);
        let room = private(model.krate.as_ref(), at);
        let again = match other.borrow() {
            Some(true) => quote_spanned!(at=> &mut *#ident),
            Some(false) => ident.to_token_stream(),
            None => quote_spanned!(at=> #room::batch::again(&#ident)),
        };
        quote_spanned!(at=> let #mutability #ident = #again;)
    });
    quote_spanned! {here()=>
        #[allow(unused_variables, unused_mut)]
        let #mutability #ident = #part;
        #(#[allow(unused_variables, unused_mut, clippy::used_underscore_binding)] #others)*
    }
}

fn mutability(given: &Given) -> Option<TokenStream> {
    given.mutable.then(|| quote_spanned!(here()=> mut))
}

/// The signature, whose names need not be `mut`: each run has names of its own.
fn signature(function: &Function) -> Signature {
    let mut signature = function.sig.clone();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input
            && mentions(typed.pat.to_token_stream(), &is_mut)
        {
            typed.attrs.push(parse_quote!(#[allow(unused_mut)]));
        }
    }
    signature
}

fn is_mut(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == "mut")
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
    fn the_body_runs_as_often_as_there_is_something_to_ask_for() {
        let args = quote!(
            batch = ids,
            key = "users:<tenant>:<ids>",
            tags = ["all"],
            skip(db)
        );
        let item = quote! {
            async fn users(tenant: String, mut db: Db, ids: &[u64]) -> Answer<User> {
                db.users(tenant, ids).await
            }
        };
        let text = or_report(Cached::check(&args, &item), cached, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn users(
                    tenant: String,
                    #[allow(unused_mut)]
                    mut db: Db,
                    ids: &[u64],
                ) -> Answer<User> {
                    let site = {
                        static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                            ::core::concat!(::core::module_path!(), "::", "users"),
                            "users:<tenant>:<ids>",
                        );
                        ::larder::__private::submit! {
                            ::larder::__private::Node::cached(& LARDER_SITE, ::core::file!(),
                            ::core::line!()).tags(& ["all"])
                        }
                        &LARDER_SITE
                    };
                    let answer = ::larder::__private::batch::answer!(Answer < User >);
                    let answer = ::larder::__private::batch::answering(answer);
                    let shape = ::larder::__private::batch::element_shape!(answer);
                    let list = ::larder::__private::batch::list(&*ids);
                    #[allow(clippy::used_underscore_binding)]
                    let mut batch = {
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        match ::larder::__private::batch::near(
                            site,
                            cache,
                            list,
                            answer,
                            shape,
                            |key, ids| {
                                key.literal("users:");
                                ::larder::__private::KeyPart::write_key(&tenant, key);
                                key.literal(":");
                                ::larder::__private::KeyPart::write_key(&ids, key);
                            },
                        ) {
                            ::core::result::Result::Ok(hits) => return hits,
                            ::core::result::Result::Err(batch) => batch,
                        }
                    };
                    #[allow(unused_variables, clippy::used_underscore_binding)]
                    ::larder::__private::batch::tags(
                        &mut *batch,
                        |tags, ids| {
                            tags.add(|key| {
                                key.literal("all");
                            });
                        },
                    );
                    while let ::core::option::Option::Some(part) = ::larder::__private::batch::ask(
                            &mut *batch,
                            {
                                #[allow(unused_imports)]
                                use ::larder::__private::{ViaFar as _, ViaNear as _, ViaRaw as _};
                                (&&&::larder::__private::probe(shape)).larder_table()
                            },
                        )
                        .await
                    {
                        #[allow(unused_variables, unused_mut)]
                        let ids = ::larder::__private::batch::lend(&*batch, &part);
                        #[allow(unused_variables, unused_mut, clippy::used_underscore_binding)]
                        let tenant = ::larder::__private::batch::again(&tenant);
                        #[allow(unused_variables, unused_mut, clippy::used_underscore_binding)]
                        let mut db = ::larder::__private::batch::again(&db);
                        ::larder::__private::batch::run(
                                &mut *batch,
                                ::std::boxed::Box::pin(async move {
                                    #[allow(
                                        unreachable_code,
                                        clippy::diverging_sub_expression,
                                        clippy::empty_loop
                                    )]
                                    if false {
                                        let output: Answer<User> = loop {};
                                        return output;
                                    }
                                    #[allow(clippy::used_underscore_binding)]
                                    let _ = (&tenant, &db, &ids);
                                    { db.users(tenant, ids).await }
                                }),
                            )
                            .await;
                    }
                    ::larder::__private::batch::finish(*batch)
                }
            "#]],
        );
    }
}
