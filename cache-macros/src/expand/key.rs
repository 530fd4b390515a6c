//! Statements that write keys.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use super::{at, here, private, response};
use crate::template::{Filter, Piece, Placeholder, Template};

/// A closure that writes `template` into the key it is given.
pub(super) fn writer(krate: Option<&Path>, template: &Template) -> TokenStream {
    let parts = template_parts(krate, template);
    quote_spanned!(here()=> |key| { #parts })
}

pub(super) fn template_parts(krate: Option<&Path>, template: &Template) -> TokenStream {
    let parts = template.pieces.iter().map(|piece| match piece {
        Piece::Literal(literal) => quote_spanned!(here()=> key.literal(#literal);),
        Piece::Value(Placeholder {
            root,
            fields,
            reading,
            filter,
        }) => {
            let value = quote!(#root #(.#fields)*);
            let value = response::reading(krate, root, value, reading);
            let private = private(krate, at(root));
            part(
                krate,
                root,
                &match filter {
                    None => value,
                    Some(Filter::Hash) => hashed(krate, root, &value),
                    Some(Filter::Lower) => quote_spanned!(at(root)=> #private::lower(&#value)),
                    Some(Filter::LowerHash) => {
                        quote_spanned!(at(root)=> #private::hashed(&#private::lower(&#value)))
                    }
                },
            )
        }
    });
    parts.collect()
}

/// A statement that writes `value`; one that cannot be part of a key is reported at `argument`.
pub(super) fn part(krate: Option<&Path>, argument: &Ident, value: &TokenStream) -> TokenStream {
    let private = private(krate, at(argument));
    let key = Ident::new("key", here());
    quote_spanned!(at(argument)=> #private::part(#key, &#value);)
}

/// What stands in a key for a value that must not be seen there.
pub(super) fn hashed(krate: Option<&Path>, argument: &Ident, value: &TokenStream) -> TokenStream {
    let private = private(krate, at(argument));
    quote_spanned!(at(argument)=> #private::hashed(&#value))
}
