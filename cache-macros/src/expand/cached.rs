//! `#[cached]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Path, Type, ext::IdentExt};

use super::{
    around_as, at,
    batch::batched,
    body, cache, choices,
    companion::companion,
    graph, here,
    key::{hashed, part, template_parts, writer},
    private, response,
};
use crate::{
    codec,
    function::Style,
    model::{Cached, Key, is_opaque},
};

/// `#[cached]`: a hit returns before anything is boxed.
pub(crate) fn cached(model: &Cached) -> TokenStream {
    if let Some(batch) = &model.batch {
        return batched(model, batch);
    }
    let function = &model.function;
    let krate = model.krate.as_ref();
    let warnings = model
        .left_out
        .iter()
        .map(|(argument, message)| warning(argument, message));
    let lookup = lookup(model, &site(model, true), &default_path(model));
    let load = load(krate, model);
    let signature = match &model.response {
        None => function.sig.clone(),
        Some(_) => response::signature(krate, &function.sig),
    };
    let companion = model.companion.then(|| companion(model, &signature));
    let function = around_as(
        krate,
        function,
        &signature,
        &quote_spanned! {here()=>
            #(#warnings)*
            #lookup
            #load
        },
    );
    quote_spanned!(here()=> #function #companion)
}

/// What stands for a function that blocks where it is asked to be captured: a future that looks up
/// what the function does, and goes on for ever. `item` is the function.
pub(super) fn captured(model: &Cached, item: &TokenStream) -> TokenStream {
    let private = private(model.krate.as_ref(), here());
    let name = model.function.sig.ident.unraw().to_string();
    let path = quote_spanned!(here()=> #private::default_path!(key, #name, "", &#item););
    let lookup = lookup(model, &site(model, false), &path);
    // At the type, so that what it lacks is reported once.
    let at = at(&model.output);
    let private = super::private(model.krate.as_ref(), at);
    let table = quote_spanned!(at=> #private::ViaNear::larder_table(&#private::probe(shape)));
    let load = quote_spanned! {at=>
        missed.load(shape, #table, ::std::boxed::Box::pin(::core::future::pending())).await
    };
    quote_spanned! {here()=>
        #lookup
        #load
    }
}

/// Statements that bind `site`, `shape` and `missed`, or return a hit. `path` writes how a default
/// key begins.
fn lookup(model: &Cached, site: &TokenStream, path: &TokenStream) -> TokenStream {
    let (krate, output) = (model.krate.as_ref(), &model.output);
    let private = private(krate, here());
    let cache = cache(&private, model.cache.as_ref());
    let key = key(krate, model, path);
    let tags = model.tags.iter().map(|tag| writer(krate, tag));
    let tags = (!model.tags.is_empty())
        .then(|| quote_spanned!(here()=> .tags(|tags| { #(tags.add(#tags);)* })));
    let shape = shape(model);
    let shapes = choices::shapes(krate, output, &model.choices);
    let near = near(model);
    let lookup = quote_spanned! {here()=> {
        let mut writer = #private::KeyWriter::new();
        let key = &mut writer;
        #key
        #cache
        match #near {
            ::core::result::Result::Ok(hit) => return hit,
            ::core::result::Result::Err(missed) => missed #tags,
        }
    }};
    let room = room(model, here());
    let bypass = quote_spanned!(here()=> #room::Missed::bypass());
    let lookup = choices::on_condition(&private, &model.choices, lookup, &bypass);
    quote_spanned! {here()=>
        let site = #site;
        let shape = #shape;
        #shapes
        #[allow(clippy::used_underscore_binding)]
        let missed = #lookup;
    }
}

/// How a default key begins.
pub(super) fn default_path(model: &Cached) -> TokenStream {
    let private = private(model.krate.as_ref(), here());
    let name = model.function.sig.ident.unraw().to_string();
    if model.function.style == Style::Sync {
        return quote_spanned! {here()=>
            #private::default_path!(key, #name, "::{{closure}}", &|| {});
        };
    }
    quote_spanned!(here()=> #private::default_path!(key, #name);)
}

/// The miss: the body is made, and run if nobody else has.
fn load(krate: Option<&Path>, model: &Cached) -> TokenStream {
    let function = &model.function;
    let body = match &model.response {
        None => body(krate, function, &model.output),
        Some(_) => response::body(krate, function, &model.output),
    };
    if function.style == Style::Sync {
        return quote_spanned!(at(&model.output)=> missed.block(shape, #body));
    }
    let load = if function.owns_its_arguments() {
        "load_owned"
    } else {
        "load"
    };
    let load = Ident::new(load, here());
    let table = table(krate, model);
    let body = quote_spanned!(at(&function.body)=> ::std::boxed::Box::pin(#body));
    quote_spanned!(at(&model.output)=> missed.#load(shape, #table, #body).await)
}

/// The constants of the function. The other one that stands for it where it is captured is not in
/// the graph, and need not block.
pub(super) fn site(model: &Cached, itself: bool) -> TokenStream {
    let private = private(model.krate.as_ref(), here());
    let name = model.function.sig.ident.unraw().to_string();
    let path = quote_spanned!(here()=> ::core::concat!(::core::module_path!(), "::", #name));
    let label = match &model.key {
        Key::Template(template) => template.text.to_token_stream(),
        Key::Default(_) => path.clone(),
    };
    let lifetimes = choices::lifetimes(model.krate.as_ref(), &model.choices);
    let version = model
        .version
        .map(|version| quote_spanned!(here()=> .version(#version)));
    let local = match model.function.style {
        Style::Sync if itself => Some(quote_spanned!(here()=> .blocks())),
        Style::Sync => Some(quote_spanned!(here()=> .local())),
        _ => model.local.then(|| quote_spanned!(here()=> .local())),
    };
    let node = itself.then(|| graph::function(&private, model));
    quote_spanned! {here()=> {
        static LARDER_SITE: #private::Site =
            #private::Site::new(#path, #label) #lifetimes #version #local;
        #node
        &LARDER_SITE
    }}
}

/// What kind of value the function returns.
fn shape(model: &Cached) -> TokenStream {
    let (krate, output) = (model.krate.as_ref(), &model.output);
    if let Some(handler) = &model.response {
        return response::shape(krate, output, handler);
    }
    shape_of(krate, output)
}

/// What kind of value a type is.
pub(super) fn shape_of(krate: Option<&Path>, output: &Type) -> TokenStream {
    let private = private(krate, at(output));
    if is_opaque(output) {
        return quote_spanned!(at(output)=> #private::Plain::NEW);
    }
    quote_spanned!(at(output)=> #private::shape!(#output))
}

/// The hit. A type that cannot be cached is reported where it is written.
fn near(model: &Cached) -> TokenStream {
    let at = at(&model.output);
    let room = room(model, at);
    quote_spanned!(at=> #room::near(site, cache, &writer, shape))
}

/// The room of the runtime for what the function returns, named at `span`.
fn room(model: &Cached, span: Span) -> TokenStream {
    let krate = model.krate.as_ref();
    match &model.response {
        None => private(krate, span),
        Some(_) => response::room(krate, span),
    }
}

/// How the value becomes bytes, if it does.
fn table(krate: Option<&Path>, model: &Cached) -> TokenStream {
    if model.response.is_some() && model.codec.is_none() && !model.local {
        let at = at(&model.output);
        let (private, room) = (private(krate, at), room(model, at));
        return quote_spanned!(at=> #private::table!(shape, #room::AsIs));
    }
    table_of(krate, &model.output, model.codec.as_ref(), model.local)
}

/// How a value that `shape` stands for becomes bytes, if it does.
pub(super) fn table_of(
    krate: Option<&Path>,
    output: &Type,
    codec: Option<&Path>,
    local: bool,
) -> TokenStream {
    let at = codec.map_or_else(|| at(output), at);
    let private = private(krate, at);
    match codec {
        // Without a look at serde, so that the type need not even come near it.
        _ if local => {
            quote_spanned!(at=> #private::ViaNear::larder_table(&#private::probe(shape)))
        }
        Some(codec) => {
            let codec = named_codec(krate, codec);
            quote_spanned!(at=> #private::table!(shape, #codec))
        }
        None => quote_spanned!(at=> #private::table!(shape)),
    }
}

/// The type of a codec: one of larder's by its short name, or whatever the path means.
fn named_codec(krate: Option<&Path>, codec: &Path) -> TokenStream {
    let Some(name) = codec::named(codec) else {
        return codec.to_token_stream();
    };
    let (private, name) = (private(krate, at(codec)), Ident::new(name, at(codec)));
    quote_spanned!(at(codec)=> #private::codec::#name)
}

/// Statements that write the key into `key`.
fn key(krate: Option<&Path>, model: &Cached, path: &TokenStream) -> TokenStream {
    let arguments = match &model.key {
        Key::Template(template) => return template_parts(krate, template),
        Key::Default(arguments) => arguments,
    };
    let arguments = default_arguments(krate, model, arguments);
    quote_spanned!(here()=> #path #arguments)
}

/// Statements that write the arguments of a default key.
pub(super) fn default_arguments(
    krate: Option<&Path>,
    model: &Cached,
    arguments: &[Ident],
) -> TokenStream {
    let parts = arguments.iter().map(|argument| {
        let value = if model
            .sensitive
            .iter()
            .any(|name| name.unraw() == argument.unraw())
        {
            hashed(krate, argument, &argument.to_token_stream())
        } else {
            argument.to_token_stream()
        };
        part(krate, argument, &value)
    });
    quote_spanned! {here()=>
        key.literal(":(");
        #(#parts key.literal(",");)*
        key.literal(")");
    }
}

/// A warning at `argument`. A procedural macro on stable Rust can only make the compiler warn, and
/// the use of a deprecated item is the one warning with a text of our choice.
pub(super) fn warning(argument: &Ident, message: &str) -> TokenStream {
    let call = Ident::new("argument_left_out", argument.span());
    quote_spanned! {here()=> {
        #[deprecated(note = #message)]
        const fn #call() {}
        #call();
    }}
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use quote::quote;

    use super::cached;
    use crate::{
        expand::{or_report, tests::assert_text},
        model::Cached,
    };

    #[test]
    #[allow(clippy::too_many_lines, reason = "the text is long, not the test")]
    fn a_cached_function_asks_near_before_anything_is_boxed() {
        let args = quote!(
            ttl = "10m",
            key = "users:<id>:<lang:lower>",
            tags = ["team:<team>"],
            skip(team)
        );
        let item = quote! {
            /// Reads.
            #[must_use]
            pub async fn get_user(id: u64, lang: String, team: u32) -> Result<User, DbError> {
                load(id, lang, team).await
            }
        };
        let text = or_report(Cached::check(&args, &item), cached, &item);
        assert_text(
            text,
            &expect![[r#"
                /// Reads.
                #[must_use]
                pub async fn get_user(id: u64, lang: String, team: u32) -> Result<User, DbError> {
                    let site = {
                        static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                                ::core::concat!(::core::module_path!(), "::", "get_user"),
                                "users:<id>:<lang:lower>",
                            )
                            .ttl(600000u64);
                        ::larder::__private::submit! {
                            ::larder::__private::Node::cached(& LARDER_SITE, ::core::file!(),
                            ::core::line!()).tags(& ["team:<team>"])
                        }
                        &LARDER_SITE
                    };
                    let shape = ::larder::__private::shape!(Result < User, DbError >);
                    #[allow(clippy::used_underscore_binding)]
                    let missed = {
                        let mut writer = ::larder::__private::KeyWriter::new();
                        let key = &mut writer;
                        key.literal("users:");
                        ::larder::__private::KeyPart::write_key(&id, key);
                        key.literal(":");
                        ::larder::__private::KeyPart::write_key(&::larder::__private::lower(&lang), key);
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        match ::larder::__private::near(site, cache, &writer, shape) {
                            ::core::result::Result::Ok(hit) => return hit,
                            ::core::result::Result::Err(missed) => {
                                missed
                                    .tags(|tags| {
                                        tags.add(|key| {
                                            key.literal("team:");
                                            ::larder::__private::KeyPart::write_key(&team, key);
                                        });
                                    })
                            }
                        }
                    };
                    missed
                        .load_owned(
                            shape,
                            ::larder::__private::table!(shape),
                            ::std::boxed::Box::pin(async move {
                                #[allow(
                                    unreachable_code,
                                    clippy::diverging_sub_expression,
                                    clippy::empty_loop
                                )]
                                if false {
                                    let output: Result<User, DbError> = loop {};
                                    return output;
                                }
                                #[allow(clippy::used_underscore_binding)]
                                let _ = (&id, &lang, &team);
                                { load(id, lang, team).await }
                            }),
                        )
                        .await
                }
                ///What can be done with the cache entry of one call of the function `get_user`.
                pub enum get_user {}
                #[allow(clippy::all, clippy::pedantic)]
                impl get_user {
                    /**The key of this call, as the methods of a cache take it.

                # Panics

                If another attribute below makes the function wait before it looks into the cache.*/
                    #[inline]
                    pub fn key(id: u64, lang: String, team: u32) -> ::std::string::String {
                        ::larder::__private::key_of(::larder::__private::entry(get_user(id, lang, team)))
                    }
                    /**What this call would return from the cache; `None` if it would have to load.

                # Errors

                If only the far tier could tell and did not.*/
                    #[inline]
                    pub async fn peek(
                        id: u64,
                        lang: String,
                        team: u32,
                    ) -> ::larder::__private::Result<::core::option::Option<Result<User, DbError>>> {
                        ::larder::__private::entry(get_user(id, lang, team)).peek().await
                    }
                    /**Stores a value as if this call had returned it.

                # Errors

                If the far tier did not take it.*/
                    #[inline]
                    pub fn put(
                        id: u64,
                        lang: String,
                        team: u32,
                        value: impl ::larder::__private::Returns<Result<User, DbError>>,
                    ) -> ::larder::__private::Soon<()> {
                        ::larder::__private::put_of(
                            ::larder::__private::entry(get_user(id, lang, team)),
                            value,
                        )
                    }
                    /**Removes the value of this call from all tiers.

                # Errors

                If the far tier did not confirm it; it is tried again.*/
                    #[inline]
                    pub fn invalidate(
                        id: u64,
                        lang: String,
                        team: u32,
                    ) -> ::larder::__private::Soon<()> {
                        ::larder::__private::invalidate_of(
                            ::larder::__private::entry(get_user(id, lang, team)),
                        )
                    }
                    ///Loads even if there is a value, and stores the result.
                    #[inline]
                    pub async fn refresh(id: u64, lang: String, team: u32) -> Result<User, DbError> {
                        ::larder::__private::entry(get_user(id, lang, team)).refresh().await
                    }
                    ///Loads, and leaves the cache alone.
                    #[inline]
                    pub async fn uncached(id: u64, lang: String, team: u32) -> Result<User, DbError> {
                        ::larder::__private::entry(get_user(id, lang, team)).uncached().await
                    }
                    #[doc(hidden)]
                    ///The entry of this call, for the attributes.
                    #[inline]
                    pub fn __call(id: u64, lang: String, team: u32) -> ::larder::__private::Called {
                        ::larder::__private::call_of(
                            ::larder::__private::entry(get_user(id, lang, team)),
                        )
                    }
                }
            "#]],
        );
    }

    #[test]
    fn without_a_key_the_function_and_its_arguments_are_the_key() {
        let item = quote! {
            async fn page(&self, number: u32) -> Vec<User> {
                self.load(number).await
            }
        };
        let args = quote!(local, version = 2, cache = self.cache, crate = crate::store);
        let text = or_report(Cached::check(&args, &item), cached, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn page(&self, number: u32) -> Vec<User> {
                    let site = {
                        static LARDER_SITE: crate::store::__private::Site = crate::store::__private::Site::new(
                                ::core::concat!(::core::module_path!(), "::", "page"),
                                ::core::concat!(::core::module_path!(), "::", "page"),
                            )
                            .version(2u32)
                            .local();
                        crate::store::__private::submit! {
                            crate ::store::__private::Node::cached(& LARDER_SITE, ::core::file!(),
                            ::core::line!()).by("self.cache")
                        }
                        &LARDER_SITE
                    };
                    let shape = crate::store::__private::shape!(Vec < User >);
                    #[allow(clippy::used_underscore_binding)]
                    let missed = {
                        let mut writer = crate::store::__private::KeyWriter::new();
                        let key = &mut writer;
                        crate::store::__private::default_path!(key, "page");
                        key.literal(":(");
                        crate::store::__private::KeyPart::write_key(&self, key);
                        key.literal(",");
                        crate::store::__private::KeyPart::write_key(&number, key);
                        key.literal(",");
                        key.literal(")");
                        let cache: &crate::store::__private::Cache = &self.cache;
                        match crate::store::__private::near(site, cache, &writer, shape) {
                            ::core::result::Result::Ok(hit) => return hit,
                            ::core::result::Result::Err(missed) => missed,
                        }
                    };
                    missed
                        .load(
                            shape,
                            crate::store::__private::ViaNear::larder_table(
                                &crate::store::__private::probe(shape),
                            ),
                            ::std::boxed::Box::pin(async move {
                                #[allow(
                                    unreachable_code,
                                    clippy::diverging_sub_expression,
                                    clippy::empty_loop
                                )]
                                if false {
                                    let output: Vec<User> = loop {};
                                    return output;
                                }
                                #[allow(clippy::used_underscore_binding)]
                                let _ = (&self, &number);
                                { self.load(number).await }
                            }),
                        )
                        .await
                }
            "#]],
        );
    }
}
