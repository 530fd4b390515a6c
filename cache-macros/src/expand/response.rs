//! The text that makes a cached function a handler.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, ReturnType, Signature, Type, parse2};

use super::{at, here, private};
use crate::{
    extractor::Part,
    function::Function,
    model::{Response, Vary},
    template::Reading,
};

/// The room for handlers, named at `span`.
pub(super) fn room(krate: Option<&Path>, span: proc_macro2::Span) -> TokenStream {
    let private = private(krate, span);
    quote_spanned!(span=> #private::axum)
}

/// The signature of a handler: it returns what axum sends.
pub(super) fn signature(krate: Option<&Path>, sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    let at = at(&sig.output);
    let room = room(krate, at);
    let arrow = match &sig.output {
        ReturnType::Type(arrow, _) => *arrow,
        ReturnType::Default => syn::Token![->](at),
    };
    let output = Type::Verbatim(quote_spanned!(at=> #room::Response));
    sig.output = ReturnType::Type(arrow, Box::new(output));
    sig
}

/// The shape of one call.
pub(super) fn shape(krate: Option<&Path>, output: &Type, response: &Response) -> TokenStream {
    let room = room(krate, at(output));
    let shared = response.shared.then(|| quote!(.shared()));
    let identity = response.identity.then(|| quote!(.identity()));
    let vary = response.vary.iter().map(|vary| match vary {
        Vary::Named(name) => {
            quote_spanned!(here()=> || #room::HeaderName::from_static(#name))
        }
        Vary::Typed(header) => quote_spanned!(at(header)=> #room::name_of::<#header>),
    });
    let vary = (!response.vary.is_empty()).then(|| quote!(.vary(&[#(#vary),*])));
    quote_spanned! {here()=> {
        static HANDLER: #room::Handler = #room::Handler::new() #shared #identity #vary;
        #room::begin(&HANDLER)
    }}
}

/// The body, which gives what axum sends. What axum cannot send is reported at the return type.
pub(super) fn body(krate: Option<&Path>, function: &Function, output: &Type) -> TokenStream {
    let room = room(krate, at(output));
    let body = super::body(krate, function, &inferred(output));
    quote_spanned!(at(output)=> #room::respond(#body))
}

/// A type that may be inferred where it is opaque.
fn inferred(output: &Type) -> Type {
    fn infer(tokens: TokenStream) -> TokenStream {
        let mut inferred = TokenStream::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "impl" => {
                    inferred.extend(quote_spanned!(word.span()=> _));
                    skip_bounds(&mut tokens);
                }
                TokenTree::Group(group) => {
                    let mut again =
                        proc_macro2::Group::new(group.delimiter(), infer(group.stream()));
                    again.set_span(group.span());
                    inferred.extend([TokenTree::Group(again)]);
                }
                token => inferred.extend([token]),
            }
        }
        inferred
    }
    parse2(infer(output.to_token_stream())).expect("`_` is a type as `impl …` is")
}

/// Takes the bounds of an opaque type: up to a comma or an angle that ends what is around it.
fn skip_bounds(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) {
    let mut depth = 0_usize;
    while let Some(token) = tokens.peek() {
        if let TokenTree::Punct(punct) = token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' | ',' if depth == 0 => return,
                '>' => depth -= 1,
                _ => {}
            }
        }
        tokens.next();
    }
}

/// What is written into a key for an extractor.
pub(super) fn reading(
    krate: Option<&Path>,
    root: &proc_macro2::Ident,
    value: TokenStream,
    reading: &Reading,
) -> TokenStream {
    let room = room(krate, at(root));
    match reading {
        Reading::Plain | Reading::Index(_) => value,
        Reading::Field(name) => quote_spanned!(at(root)=> #room::field(&#value, #name)),
        Reading::Cookie(name) => quote_spanned! {at(root)=>
            #room::cookie(#value.get(#name).as_ref().map(|cookie| cookie.value()))
        },
        Reading::Typed(part) => header(root, &value, *part, 1, &quote!(#room::typed)),
        Reading::Credentials(part) => header(root, &value, *part, 2, &quote!(#room::credentials)),
    }
}

/// `write` of the header that lies under `layers` tuple structs, some of which the pattern has
/// taken off.
fn header(
    root: &proc_macro2::Ident,
    value: &TokenStream,
    part: Part,
    layers: usize,
    write: &TokenStream,
) -> TokenStream {
    let fields = (part.depth..layers).map(|_| quote!(.0));
    if part.optional {
        quote_spanned!(at(root)=> #value.as_ref().map(|header| #write(&header #(#fields)*)))
    } else {
        quote_spanned!(at(root)=> #write(&#value #(#fields)*))
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{Type, parse_str};

    use super::inferred;

    #[test]
    fn an_opaque_type_is_inferred_and_the_rest_is_not() {
        for (written, expected) in [
            ("impl IntoResponse", "_"),
            ("Result<impl IntoResponse, Error>", "Result<_, Error>"),
            (
                "Result<(StatusCode, impl IntoResponse + use<>), Error<u8>>",
                "Result<(StatusCode, _), Error<u8>>",
            ),
            ("Json<Vec<u8>>", "Json<Vec<u8>>"),
        ] {
            let written: Type = parse_str(written).unwrap();
            let expected: Type = parse_str(expected).unwrap();
            let text = |ty: Type| ty.into_token_stream().to_string();
            assert_eq!(text(inferred(&written)), text(expected));
        }
    }
}
