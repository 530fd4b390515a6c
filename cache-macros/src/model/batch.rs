//! The rules of `batch`: which parameter is a list whose elements are asked for together, and what
//! the function needs of the others to run more than once.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Error, FnArg, Pat, PatType, ReceiverKind, Signature, Type, ext::IdentExt};

use super::{Rules, rules::uses};
use crate::{args::CachedArgs, function::bindings, template::Template};

/// A function that is asked for several elements at once.
pub(crate) struct Batch {
    /// The parameter that holds the elements.
    pub(crate) list: Given,
    /// The other names that the body can use, without `self`.
    pub(crate) others: Vec<Given>,
}

/// A name that each run of the body is given anew.
pub(crate) struct Given {
    pub(crate) ident: Ident,
    pub(crate) mutable: bool,
    /// The type, if the name is all of a parameter.
    pub(crate) ty: Option<Type>,
}

impl Given {
    /// Whether it is borrowed from the caller, and whether for writing.
    pub(crate) fn borrow(&self) -> Option<bool> {
        match &self.ty {
            Some(Type::Reference(reference)) => Some(reference.mutability.is_some()),
            _ => None,
        }
    }
}

impl Rules<'_> {
    /// What else a batch cannot have.
    pub(super) fn batch_choices(&mut self, args: &CachedArgs, is_response: bool) {
        let Some(list) = &args.batch else { return };
        if let Some(err_ttl) = &args.err_ttl {
            let message = "an error of a batch is that of a whole run and of no element, so it is \
                           not kept: remove `err_ttl`";
            self.errors.push(Error::new_spanned(err_ttl, message));
        }
        if let Some(companion) = args.companion.as_ref().filter(|wish| wish.value) {
            let message = "a companion is about one entry, and a batch has one for each element: \
                           remove `companion`, and ask that of a function with the same key";
            self.errors.push(Error::new_spanned(companion, message));
        }
        if is_response {
            let message = "`batch` keeps each value of a map, and a handler returns one response: \
                           remove `batch`, or annotate the function that the handler asks";
            self.errors.push(Error::new_spanned(list, message));
        }
    }

    /// Finds the list, which has to be in the key.
    pub(super) fn batch(
        &mut self,
        list: &Ident,
        sig: &Signature,
        skip: &[Ident],
        key: Option<&Template>,
    ) -> Option<Batch> {
        let name = list.unraw();
        if name == "self" {
            let message = "`batch` names the parameter that holds the elements, not `self`";
            self.errors.push(Error::new_spanned(list, message));
            return None;
        }
        if self.find(list).is_none() {
            self.unknown(&name.to_string(), list.span());
            return None;
        }
        self.receiver(sig);
        if let Some(skipped) = skip.iter().find(|skipped| skipped.unraw() == name) {
            let message = format!(
                "`{name}` is asked for element by element, so it is a part of the key: remove it \
                 from `skip`"
            );
            self.errors.push(Error::new_spanned(skipped, message));
        } else if let Some(key) = key.filter(|key| !uses(key, &name)) {
            let message = format!(
                "all elements of `{name}` would share one entry, because the key `{}` leaves them \
                 out: add `<{name}>`, which stands for one element",
                key.text,
            );
            self.errors.push(Error::new(key.span, message));
        }
        let mut given = given(sig);
        let at = given.iter().position(|given| given.ident.unraw() == name)?;
        let list = given.remove(at);
        if list.borrow() == Some(true) {
            let message = "the body of a batch gets a list of its own, with the missing elements: \
                           take the list by `&`, or as a whole";
            self.errors.push(Error::new_spanned(&list.ty, message));
        }
        Some(Batch {
            list,
            others: given,
        })
    }

    /// A body that runs more than once cannot consume `self`.
    fn receiver(&mut self, sig: &Signature) {
        let Some(receiver) = sig.receiver() else {
            return;
        };
        let shared = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
            ReceiverKind::Typed(_, ty) => {
                matches!(&**ty, Type::Reference(ty) if ty.mutability.is_none())
            }
            _ => false,
        };
        if !shared {
            let message = "the body of a batch may run more than once: take `&self`";
            self.errors.push(Error::new_spanned(receiver, message));
        }
    }
}

/// All names that the signature gives, except `self`.
fn given(sig: &Signature) -> Vec<Given> {
    let mut all = Vec::new();
    for input in &sig.inputs {
        let FnArg::Typed(PatType { pat, ty, .. }) = input else {
            continue;
        };
        if let Pat::Ident(whole) = &**pat
            && whole.subpat.is_none()
        {
            all.push(Given {
                ident: whole.ident.clone(),
                mutable: whole.mutability.is_some(),
                ty: Some(Type::clone(ty)),
            });
            continue;
        }
        let mutable = has_mut(pat);
        bindings(pat, &mut |ident| {
            all.push(Given {
                ident,
                mutable,
                ty: None,
            });
        });
    }
    all
}

fn has_mut(pat: &Pat) -> bool {
    crate::function::mentions(
        pat.to_token_stream(),
        &|token| matches!(token, proc_macro2::TokenTree::Ident(ident) if ident == "mut"),
    )
}
