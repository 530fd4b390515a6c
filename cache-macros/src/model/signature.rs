//! Which functions can be annotated at all.

use proc_macro2::Span;
use syn::{Error, ReturnType, Type};

use crate::{
    errors::Errors,
    function::{Function, Style},
};

/// Reports what no attribute can be put on.
pub(super) fn check_signature(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(constant) = &sig.constness {
        let message =
            "a `const fn` may run in the compiler, where there is no cache: remove `const`";
        errors.push(Error::new_spanned(constant, message));
    }
    if let Some(abi) = &sig.abi
        && abi.name.as_ref().is_none_or(|name| name.value() != "Rust")
    {
        let message = "an `extern` function is called by code that cannot catch what the cache or \
                       the body may throw: annotate a Rust function, and call that from here";
        errors.push(Error::new_spanned(abi, message));
    }
    if let ReturnType::Type(_, future) = &sig.output
        && !function.says_output()
    {
        let message = "the future does not say what it gives: write `Future<Output = …>`";
        errors.push(Error::new_spanned(future, message));
    }
}

/// Where a function says that it never returns.
pub(super) fn never(output: &Type) -> Option<Span> {
    match output {
        Type::Never(never) => Some(never.bang_token.span),
        Type::Paren(paren) => never(&paren.elem),
        Type::Group(group) => never(&group.elem),
        _ => None,
    }
}

/// Reports an option that only a function with a future has a use for.
pub(super) fn check_async_only(
    function: &Function,
    option: Option<Span>,
    why: &str,
    errors: &mut Errors,
) {
    if let Some(span) = option.filter(|_| function.style == Style::Sync) {
        let message = format!("{why}, or write `async fn {}`", function.sig.ident);
        errors.push(Error::new(span, message));
    }
}
