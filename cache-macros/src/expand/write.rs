//! A function that writes, whatever its attributes are.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::Type;

use super::{around, at, cached::shape_of, here, invalidate::invalidate, private, put::put, ran};
use crate::{
    function::{Function, Style},
    model::Write,
};

/// The statements around the body, in their order.
pub(super) struct Steps {
    pub(super) function: Ident,
    style: Style,
    /// Where the return type stands.
    pub(super) returns: Span,
    pub(super) before: Vec<TokenStream>,
    /// The guards of what is invalidated after the body, and whether one of them waits for what
    /// the function returns.
    pub(super) purges: Vec<Ident>,
    pub(super) late: bool,
    /// After the body, without waiting for anything: should the call be dropped from here on, all
    /// that could be named is invalidated.
    pub(super) named: Vec<TokenStream>,
    pub(super) after: Vec<TokenStream>,
}

impl Steps {
    fn of(function: &Function, output: &Type) -> Self {
        Self {
            function: function.sig.ident.clone(),
            style: function.style,
            returns: at(output),
            before: Vec::new(),
            purges: Vec::new(),
            late: false,
            named: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Whether there is a future in which one can wait.
    pub(super) fn waits(&self) -> bool {
        self.style != Style::Sync
    }

    /// A call that does what was prepared; in a plain `fn`, on its thread.
    pub(super) fn run(&self, given: Option<&TokenStream>) -> TokenStream {
        if self.waits() {
            quote_spanned!(here()=> .run(#given).await)
        } else {
            quote_spanned!(here()=> .run_blocking())
        }
    }
}

/// `#[invalidate_cache]` and `#[cache_put]`: first everything that the function invalidates, then
/// what it stores, whatever the order of the attributes.
pub(crate) fn write(model: &Write) -> TokenStream {
    let Write {
        function, output, ..
    } = model;
    let krate = model.krate.as_ref();
    let private = private(krate, here());
    let writer = Ident::new("writer", here());
    let puts = !model.puts.is_empty();
    let mut steps = Steps::of(function, output);
    if puts {
        let shape = shape_of(krate, output);
        steps.before.push(quote_spanned! {here()=>
            let #writer = #private::Writer::one_more();
            let shape = #shape;
        });
    }
    for (at, part) in model.invalidates.iter().enumerate() {
        let by = puts.then_some(&writer);
        invalidate(part, &numbered("purge", at), by, &mut steps);
    }
    for (at, part) in model.puts.iter().enumerate() {
        let name = numbered("put", at);
        put(part, &name, &writer, &mut steps);
    }
    let ran = ran(krate, function, output);
    let taken = model.taken.iter().map(|path| {
        // The import of an attribute that was taken along is used, as far as the user can see.
        quote_spanned! {at(path)=>
            #[allow(unused_imports)]
            use #path as _;
        }
    });
    let Steps {
        before,
        named,
        after,
        ..
    } = steps;
    let text = if named.is_empty() && after.is_empty() {
        quote_spanned!(here()=> #(#before)* #ran)
    } else {
        quote_spanned! {here()=>
            #(#before)*
            let output = #ran;
            #(#named)*
            #(#after)*
            output
        }
    };
    around(
        krate,
        function,
        &quote_spanned!(here()=> #({ #taken })* #text),
    )
}

/// A name for each part; the first has the plain one.
fn numbered(name: &str, at: usize) -> Ident {
    match at {
        0 => Ident::new(name, here()),
        _ => format_ident!("{name}_{at}", span = here()),
    }
}
