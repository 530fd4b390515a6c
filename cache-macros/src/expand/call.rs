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
            None if late => {
                let name = format_ident!("given_{}", before.len(), span = here());
                before.push(quote_spanned!(here()=> let #name = #value;));
                name.to_token_stream()
            }
            None => value,
        }
    });
    let arguments: Vec<_> = arguments.collect();
    let function = companion(&call.function);
    quote_spanned!(at(&call.function)=> #function(#(#arguments),*))
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
