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
        static SITE: #private::Site = #private::Site::new(
            ::core::concat!(::core::module_path!(), "::", #name),
            #label,
        ) #ttl #version #local;
        &SITE
    }}
}
