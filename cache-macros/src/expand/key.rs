//! Statements that write keys.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
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
        Piece::Value(placeholder) => placed(krate, placeholder),
    });
    parts.collect()
}

/// A statement that writes what a placeholder stands for.
fn placed(krate: Option<&Path>, placeholder: &Placeholder) -> TokenStream {
    let Placeholder {
        root,
        fields,
        reading,
        filter,
        ret,
    } = placeholder;
    let private = private(krate, at(root));
    let root = match ret {
        true => &Ident::new("ret", at(root)),
        false => root,
    };
    let value = quote!(#root #(.#fields)*);
    let value = response::reading(krate, root, value, reading);
    let value = match filter {
        None => value,
        Some(Filter::Hash) => hashed(krate, root, &value),
        Some(Filter::Lower) => quote_spanned!(at(root)=> #private::lower(&#value)),
        Some(Filter::LowerHash) => {
            quote_spanned!(at(root)=> #private::hashed(&#private::lower(&#value)))
        }
    };
    part(krate, root, &value)
}

/// A closure as [`writer`] gives, for a template that is written when the function has returned,
/// and its arguments are gone: what they stand for is written before, by statements that are added
/// to `before`.
pub(super) fn late_writer(
    krate: Option<&Path>,
    template: &Template,
    before: &mut Vec<TokenStream>,
) -> TokenStream {
    let mut parts = TokenStream::new();
    for piece in &template.pieces {
        let part = match piece {
            Piece::Literal(literal) => quote_spanned!(here()=> key.literal(#literal);),
            Piece::Value(placeholder) if placeholder.ret => placed(krate, placeholder),
            Piece::Value(placeholder) => {
                let written = format_ident!("written_{}", before.len(), span = here());
                let private = private(krate, here());
                let part = placed(krate, placeholder);
                before.push(quote_spanned! {here()=>
                    let #written = #private::written(|key| { #part });
                });
                quote_spanned!(here()=> key.literal(&#written);)
            }
        };
        parts.extend(part);
    }
    quote_spanned!(here()=> |key| { #parts })
}

/// A statement that writes `value`; one that cannot be part of a key is reported at `argument`.
pub(super) fn part(krate: Option<&Path>, argument: &Ident, value: &TokenStream) -> TokenStream {
    let private = private(krate, at(argument));
    let key = Ident::new("key", here());
    quote_spanned!(at(argument)=> #private::KeyPart::write_key(&#value, #key);)
}

/// What stands in a key for a value that must not be seen there.
pub(super) fn hashed(krate: Option<&Path>, argument: &Ident, value: &TokenStream) -> TokenStream {
    let private = private(krate, at(argument));
    quote_spanned!(at(argument)=> #private::hashed(&#value))
}
