//! What may stand in a call whose entry is to be invalidated.

use quote::ToTokens;
use syn::{Error, Expr, Path};

use super::{Rules, choices::free, rules::Ret};
use crate::args::{CallArg, CallsArg};

/// A call of a cached function, which is not made: it names an entry.
pub(crate) struct Call {
    pub(crate) function: Path,
    pub(crate) arguments: Vec<CallArgument>,
}

pub(crate) struct CallArgument {
    pub(crate) value: Expr,
    /// The name by which it calls what the function returned, if it does.
    pub(crate) ret: Option<proc_macro2::Ident>,
}

impl Call {
    /// Whether it can be named only when the function has returned.
    pub(crate) fn awaits_ret(&self) -> bool {
        self.arguments.iter().any(|argument| argument.ret.is_some())
    }
}

impl Rules<'_> {
    pub(super) fn calls(&mut self, calls: Option<CallsArg>) -> Vec<Call> {
        let calls = calls.map_or_else(Vec::new, |CallsArg(calls)| calls);
        calls.into_iter().map(|call| self.call(call)).collect()
    }

    fn call(&mut self, call: CallArg) -> Call {
        let arguments = call.arguments.into_iter().map(|value| {
            let ret = free(value.to_token_stream(), &|name| name == "ret");
            if let (Some(ret), Ret::TooEarly(option)) = (&ret, self.ret) {
                let message = format!(
                    "`ret` is what the function returns, which nobody knows before it runs: \
                     remove `{option}`"
                );
                self.errors.push(Error::new_spanned(ret, message));
            }
            CallArgument { value, ret }
        });
        Call {
            function: call.function,
            arguments: arguments.collect(),
        }
    }
}
