//! Calls of cached functions that name their entries.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, Ident, Path};

use super::{at, here};
use crate::model::{Call, CallArgument};

/// The entry of a call, asked of the companion of its function. What takes no part of what the
/// function returns is made before the body takes the arguments away: by statements that are added
/// to `before` if the rest has to wait.
pub(super) fn entry(call: &Call, before: &mut Vec<TokenStream>) -> TokenStream {
    let late = call.awaits_ret();
    let arguments = call.arguments.iter().map(|argument| {
        let value = given(&argument.value);
        match &argument.ret {
            Some(ret) => {
                let value = given_of(argument, ret);
                // The user's own name for what ours is called.
                quote_spanned!(at(&argument.value)=> { let #ret = ret; #value })
            }
            None if late => kept(&argument.value, before),
            None => value,
        }
    });
    let arguments: Vec<_> = arguments.collect();
    let function = companion(&call.function);
    quote_spanned!(at(&call.function)=> #function(#(#arguments),*))
}

/// An argument that is made before the body and given after it.
fn kept(value: &Expr, before: &mut Vec<TokenStream>) -> TokenStream {
    let name = format_ident!("given_{}", before.len(), span = here());
    // What a reference leads to is taken away by the body, too.
    let (mark, value) = match value {
        Expr::Reference(reference)
            if reference.mutability.is_none()
                && matches!(*reference.expr, Expr::Path(_) | Expr::Field(_)) =>
        {
            (Some(reference.and_token), &*reference.expr)
        }
        value => (None, value),
    };
    let value = given(value);
    before.push(quote_spanned!(here()=> let #name = #value;));
    quote_spanned!(here()=> #mark #name)
}

/// An argument: what is a name or a field of one stays where it is, because the body needs it.
fn given(value: &Expr) -> TokenStream {
    match value {
        Expr::Path(_) | Expr::Field(_) => {
            quote_spanned!(at(value)=> ::core::clone::Clone::clone(&#value))
        }
        _ => value.to_token_stream(),
    }
}

/// The same of what the function returned, which is a reference by itself.
fn given_of(argument: &CallArgument, ret: &Ident) -> TokenStream {
    match &argument.value {
        Expr::Path(_) => quote_spanned!(at(&argument.value)=> ::core::clone::Clone::clone(#ret)),
        value => given(value),
    }
}

/// The function of a companion that gives the entry: `users::get_user::<T>` becomes
/// `users::get_user::__call::<T>`.
fn companion(function: &Path) -> Path {
    let mut path = function.clone();
    let last = path.segments.last_mut().expect("a path has a last segment");
    let types = std::mem::replace(&mut last.arguments, syn::PathArguments::None);
    let name = Ident::new("__call", last.ident.span());
    path.segments.push(syn::PathSegment {
        ident: name,
        arguments: types,
    });
    path
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
    fn a_call_becomes_a_question_to_its_companion() {
        let args = quote!(
            of = [
                get_user(id),
                users::list::<u8>(&lang, 1, ret.id, &ret.name, ret)
            ]
        );
        let item = quote! {
            async fn rename(id: u64, lang: String) -> User {
                store(id, lang).await
            }
        };
        let text = or_report(Write::invalidate(args, &item), write, &item);
        assert_text(
            text,
            &expect![[r#"
            async fn rename(id: u64, lang: String) -> User {
                let given_0 = ::core::clone::Clone::clone(&lang);
                let given_1 = 1;
                let purge = {
                    ::larder::__private::submit! {
                        ::larder::__private::Node::write(::core::concat!(::core::module_path!(),
                        "::", "rename"), ::core::file!(), ::core::line!(),).of(& ["get_user",
                        "users::list"])
                    }
                    let cache: &::larder::__private::Cache = ::larder::__private::default_cache();
                    ::larder::__private::Purge::new(cache)
                        .entry(get_user::__call(::core::clone::Clone::clone(&id)))
                }
                    .on_exit();
                let output = async move {
                    #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
                    if false {
                        let output: User = loop {};
                        return output;
                    }
                    #[allow(clippy::used_underscore_binding)]
                    let _ = (&id, &lang);
                    { store(id, lang).await }
                }
                    .await;
                let purge = match ::larder::__private::kept!(& output) {
                    ::core::option::Option::Some(ret) => {
                        purge
                            .and(|purge| {
                                purge
                                    .entry(
                                        users::list::__call::<
                                            u8,
                                        >(
                                            &given_0,
                                            given_1,
                                            {
                                                let ret = ret;
                                                ::core::clone::Clone::clone(&ret.id)
                                            },
                                            {
                                                let ret = ret;
                                                &ret.name
                                            },
                                            {
                                                let ret = ret;
                                                ::core::clone::Clone::clone(ret)
                                            },
                                        ),
                                    )
                            })
                    }
                    ::core::option::Option::None => purge,
                };
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
