//! The text that makes a cached function a handler.

use std::iter::Peekable;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree, token_stream};
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
pub(super) fn room(krate: Option<&Path>, span: Span) -> TokenStream {
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
    quote_spanned!(at(output)=> #room::respond(#body, #room::into_response()))
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
                    let mut again = Group::new(group.delimiter(), infer(group.stream()));
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
fn skip_bounds(tokens: &mut Peekable<token_stream::IntoIter>) {
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
    argument: &Ident,
    value: TokenStream,
    reading: &Reading,
) -> TokenStream {
    let at = at(argument);
    let room = room(krate, at);
    match reading {
        Reading::Plain | Reading::Index(_) => value,
        Reading::Field(name) => quote_spanned!(at=> #room::field(&#value, #name)),
        Reading::Cookie(name) => quote_spanned! {at=>
            #room::cookie(#value.get(#name).as_ref().map(|cookie| cookie.value()))
        },
        Reading::Typed(part) => header(at, &value, *part, 1, &quote!(#room::typed)),
        Reading::Credentials(part) => header(at, &value, *part, 2, &quote!(#room::credentials)),
    }
}

/// `write` of the header that lies under `layers` tuple structs, some of which the pattern has
/// taken off.
fn header(
    at: Span,
    value: &TokenStream,
    part: Part,
    layers: usize,
    write: &TokenStream,
) -> TokenStream {
    let fields = (part.depth..layers).map(|_| quote!(.0));
    if part.optional {
        quote_spanned!(at=> #value.as_ref().map(|header| #write(&header #(#fields)*)))
    } else {
        quote_spanned!(at=> #write(&#value #(#fields)*))
    }
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::{Type, parse_str};

    use super::inferred;
    use crate::model::Cached;

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

    /// What is said of a function without arguments that returns `output`.
    #[cfg(not(feature = "axum"))]
    fn mistakes(arguments: &str, output: &str) -> Vec<String> {
        let item = format!("async fn page({arguments}) -> {output} {{}}");
        match Cached::check(&quote!(key = "page", shared), &item.parse().unwrap()) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.into_iter().map(|one| one.to_string()).collect(),
        }
    }

    #[cfg(not(feature = "axum"))]
    #[test]
    fn without_the_feature_a_handler_is_told_of_it_once() {
        for (arguments, output) in [
            ("", "impl IntoResponse"),
            ("", "Result<impl IntoResponse, Error>"),
            ("", "axum::Json<u8>"),
            ("", "axum::response::Response"),
            ("State(db): State<Db>", "Json<u8>"),
            ("Path(id): Path<u8>", "(StatusCode, String)"),
        ] {
            let mistakes = mistakes(arguments, output);
            assert_eq!(mistakes.len(), 1, "{output}: {mistakes:?}");
            assert!(
                mistakes[0].contains("features = [\"axum\"]"),
                "{mistakes:?}"
            );
        }
    }

    #[cfg(not(feature = "axum"))]
    #[test]
    fn without_the_feature_a_type_of_ones_own_may_be_called_like_a_response() {
        for output in ["Json<u8>", "Response", "Result<Response, Error>"] {
            let item = format!("async fn page(id: u64) -> {output} {{}}");
            let checked = Cached::check(&quote!(), &item.parse().unwrap());
            assert!(
                checked.is_ok_and(|model| model.response.is_none()),
                "{output}"
            );
        }
    }

    #[cfg(feature = "axum")]
    #[test]
    fn a_handler_returns_a_response_and_its_body_keeps_its_type() {
        use expect_test::expect;

        use crate::expand::{cached, or_report, tests::assert_text};

        let args = quote!(
            key = "news:<id>:<headers[accept-language]>",
            companion = false
        );
        let item = quote! {
            async fn news(
                Path(id): Path<u64>,
                headers: HeaderMap,
            ) -> Result<impl IntoResponse, Error> {
                load(id, headers).await
            }
        };
        let text = or_report(Cached::check(&args, &item), cached, &item);
        assert_text(
            text,
            &expect![[r#"
                async fn news(
                    Path(id): Path<u64>,
                    headers: HeaderMap,
                ) -> ::larder::__private::axum::Response {
                    let site = {
                        static LARDER_SITE: ::larder::__private::Site = ::larder::__private::Site::new(
                            ::core::concat!(::core::module_path!(), "::", "news"),
                            "news:<id>:<headers[accept-language]>",
                        );
                        ::larder::__private::submit! {
                            ::larder::__private::Node::cached(& LARDER_SITE, ::core::file!(),
                            ::core::line!())
                        }
                        &LARDER_SITE
                    };
                    let shape = {
                        static HANDLER: ::larder::__private::axum::Handler = ::larder::__private::axum::Handler::new()
                            .vary(
                                &[
                                    || ::larder::__private::axum::HeaderName::from_static(
                                        "accept-language",
                                    ),
                                ],
                            );
                        ::larder::__private::axum::begin(&HANDLER)
                    };
                    #[allow(clippy::used_underscore_binding)]
                    let missed = {
                        let mut writer = ::larder::__private::KeyWriter::new();
                        let key = &mut writer;
                        key.literal("news:");
                        ::larder::__private::KeyPart::write_key(&id, key);
                        key.literal(":");
                        ::larder::__private::KeyPart::write_key(
                            &::larder::__private::axum::field(&headers, "accept-language"),
                            key,
                        );
                        let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                        match ::larder::__private::axum::near(site, cache, &writer, shape) {
                            ::core::result::Result::Ok(hit) => return hit,
                            ::core::result::Result::Err(missed) => missed,
                        }
                    };
                    missed
                        .load_owned(
                            shape,
                            ::larder::__private::table!(shape, ::larder::__private::axum::AsIs),
                            ::std::boxed::Box::pin(
                                ::larder::__private::axum::respond(
                                    async move {
                                        #[allow(
                                            unreachable_code,
                                            clippy::diverging_sub_expression,
                                            clippy::empty_loop
                                        )]
                                        if false {
                                            let output: Result<_, Error> = loop {};
                                            return output;
                                        }
                                        #[allow(clippy::used_underscore_binding)]
                                        let _ = (&id, &headers);
                                        { load(id, headers).await }
                                    },
                                    ::larder::__private::axum::into_response(),
                                ),
                            ),
                        )
                        .await
                }
            "#]],
        );
    }
}
