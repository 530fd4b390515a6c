//! Which functions get a companion: free ones, because it is an item beside the function.

use quote::ToTokens;
use syn::{Error, FnArg, LitBool, Result, Safety};

use super::is_opaque;
use crate::{
    function::{Function, Style, is_named, mentions},
    place,
};

/// Whether `function` gets a companion. `wish` is what the attribute says about it.
pub(super) fn companion(
    wish: Option<&LitBool>,
    function: &Function,
    is_response: bool,
) -> Result<bool> {
    let reason = || reason_against(function, is_response);
    match wish {
        Some(wish) if wish.value => match reason() {
            Some(reason) => Err(Error::new_spanned(
                wish,
                format!(
                    "{reason}: remove `companion`, and ask `larder::entry(…)` about a call of it",
                ),
            )),
            None => Ok(true),
        },
        Some(_) => Ok(false),
        None => Ok(reason().is_none()),
    }
}

/// Why there cannot be a companion.
fn reason_against(function: &Function, is_response: bool) -> Option<&'static str> {
    let Function { sig, body, .. } = function;
    let own = |tokens| mentions(tokens, &|token| is_named(token, &["Self"]));
    let of_a_type = || {
        own(sig.to_token_stream())
            || place::among_methods(sig.fn_token.span).unwrap_or_else(|| own(body.stream()))
    };
    if sig.receiver().is_some() || of_a_type() {
        return Some("only a free function has a companion, a function of a type has none");
    }
    if !matches!(sig.safety, Safety::Default) || sig.abi.is_some() {
        return Some("a companion is safe to call, an `unsafe` or `extern` function has none");
    }
    if !is_response && is_opaque(&function.output()) {
        return Some("nobody can name what the function returns, so it has no companion");
    }
    let opaque = |token: &_| is_named(token, &["impl"]);
    if function.style == Style::Sync && mentions(sig.inputs.to_token_stream(), &opaque) {
        return Some("a plain `fn` with an `impl …` parameter has no companion");
    }
    let depends = sig.inputs.iter().any(is_conditional);
    depends.then_some("a function with a parameter under a `cfg` has no companion")
}

/// Whether a parameter may be missing, which no call can repeat.
fn is_conditional(input: &FnArg) -> bool {
    let attributes = match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    let conditions = ["cfg", "cfg_attr"];
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        conditions.iter().any(|condition| path.is_ident(condition))
    })
}
