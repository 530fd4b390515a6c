//! Which functions get a companion: free ones, because it is an item beside the function.

use quote::ToTokens;
use syn::{Error, LitBool, Result, Safety};

use crate::{
    function::{Function, Style, is_named, mentions},
    place,
};

/// Whether `function` gets a companion. `wish` is what the attribute says about it.
pub(super) fn companion(wish: Option<&LitBool>, function: &Function) -> Result<bool> {
    let reason = || reason_against(function);
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
fn reason_against(function: &Function) -> Option<&'static str> {
    let Function { sig, body, .. } = function;
    let own = |tokens| mentions(tokens, &|token| is_named(token, &["Self"]));
    let of_a_type = || {
        own(sig.to_token_stream())
            || place::among_methods(sig.fn_token.span).unwrap_or_else(|| own(body.stream()))
    };
    if sig.receiver().is_some() || of_a_type() {
        return Some("only a free function has a companion, a function of a type has none");
    }
    if function.style == Style::Sync {
        return Some("a function that blocks has no companion");
    }
    let plain = matches!(sig.safety, Safety::Default) && sig.abi.is_none();
    (!plain).then_some("a companion is safe to call, an `unsafe` or `extern` function has none")
}
