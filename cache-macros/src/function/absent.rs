//! When a parameter is not there: an attribute of a function is expanded before the `#[cfg(…)]`s of
//! its parameters are.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, FnArg, Meta, Token, punctuated::Punctuated};

use super::{Function, bindings};

impl Function {
    /// The names that may be missing, each with the predicate under which it is.
    pub(crate) fn absences(&self) -> Vec<(Ident, TokenStream)> {
        let mut absences = Vec::new();
        for input in &self.sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let reasons: Vec<_> = typed.attrs.iter().filter_map(removes).collect();
            if !reasons.is_empty() {
                bindings(&typed.pat, &mut |ident| {
                    absences.push((ident, quote!(any(#(#reasons),*))));
                });
            }
        }
        absences
    }
}

/// The predicate under which an attribute removes what it stands on, if it can.
fn removes(attr: &Attribute) -> Option<TokenStream> {
    removes_by(&attr.meta)
}

fn removes_by(meta: &Meta) -> Option<TokenStream> {
    let Meta::List(list) = meta else { return None };
    if list.path.is_ident("cfg") {
        let predicate = &list.tokens;
        return Some(quote!(not(#predicate)));
    }
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let mut parts = list.parse_args_with(parse).ok()?.into_iter();
    let predicate = parts.next()?;
    let reasons: Vec<_> = parts.filter_map(|meta| removes_by(&meta)).collect();
    (!reasons.is_empty()).then(|| quote!(all(#predicate, any(#(#reasons),*))))
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    use super::Function;

    #[test]
    fn a_parameter_is_missing_where_one_of_its_conditions_fails() {
        let function: Function = parse_str(
            "fn f(
                a: u8,
                #[cfg(x)] b: u8,
                #[allow(unused)] #[cfg(x)] #[cfg(not(y))] (c, d): (u8, u8),
                #[cfg_attr(x, allow(unused), cfg(z))] e: u8,
                #[cfg_attr(x, allow(unused))] f: u8,
            ) {}",
        )
        .expect("a function");
        let absences = function.absences();
        let absences: Vec<_> = absences
            .iter()
            .map(|(name, when)| format!("{name}: {when}").replace(' ', ""))
            .collect();
        assert_eq!(
            absences,
            [
                "b:any(not(x))",
                "c:any(not(x),not(not(y)))",
                "d:any(not(x),not(not(y)))",
                "e:any(all(x,any(not(z))))",
            ]
        );
    }
}
