//! The options of `#[key(…)]`, which stands in a type that derives `KeyPart`.

use proc_macro2::Ident;
use syn::{Attribute, Path, Result, Token, parse::ParseStream};

use super::{Options, assign, flag, kw, path, unknown};
use crate::errors::Errors;

/// Options of one place, written in any number of attributes.
pub(crate) trait KeyOptions: Options {
    /// The options that `attributes` hold.
    fn of(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|it| it.path().is_ident("key")) {
            if let Some(list) = errors.take(attribute.meta.require_list()) {
                options.add(list.tokens.clone(), errors);
            }
        }
        options
    }
}

impl<O: Options> KeyOptions for O {}

/// The options on the type.
#[derive(Default)]
pub(crate) struct TypeOptions {
    pub(crate) krate: Option<Path>,
}

impl Options for TypeOptions {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option = input.lookahead1();
        if option.peek(Token![crate]) {
            assign(input, &mut self.krate, path)
        } else if input.peek(kw::skip) {
            Err(input.error("`skip` is an option of a field: write `#[key(skip)]` there"))
        } else {
            Err(unknown(input, option))
        }
    }
}

/// The options on a field.
#[derive(Default)]
pub(crate) struct FieldOptions {
    pub(crate) skip: Option<Ident>,
}

impl Options for FieldOptions {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option = input.lookahead1();
        if option.peek(kw::skip) {
            flag(input, &mut self.skip)
        } else if input.peek(Token![crate]) {
            Err(input.error("`crate` is an option of the type: write `#[key(crate = …)]` there"))
        } else {
            Err(unknown(input, option))
        }
    }
}
