//! The options of `#[key(…)]`, which stands in a type that derives `KeyPart`.

use proc_macro2::Ident;
use syn::{Attribute, Path, Result, Token, parse::ParseStream};

use super::{assign, comma, flag, kw, unknown};
use crate::errors::Errors;

/// Options of one place, written in any number of attributes.
pub(crate) trait KeyOptions: Default {
    /// Parses what stands in the parentheses.
    fn add(&mut self, input: ParseStream<'_>) -> Result<()>;

    /// The options that `attributes` hold.
    fn of(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|it| it.path().is_ident("key")) {
            errors.take(attribute.parse_args_with(|input: ParseStream<'_>| options.add(input)));
        }
        options
    }
}

/// The options on the type.
#[derive(Default)]
pub(crate) struct TypeOptions {
    pub(crate) krate: Option<Path>,
}

impl KeyOptions for TypeOptions {
    fn add(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            let option = input.lookahead1();
            if option.peek(Token![crate]) {
                assign(input, &mut self.krate, Path::parse_mod_style)?;
            } else {
                return Err(unknown(input, option));
            }
            comma(input)?;
        }
        Ok(())
    }
}

/// The options on a field.
#[derive(Default)]
pub(crate) struct FieldOptions {
    pub(crate) skip: Option<Ident>,
}

impl KeyOptions for FieldOptions {
    fn add(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            let option = input.lookahead1();
            if option.peek(kw::skip) {
                flag(input, &mut self.skip)?;
            } else {
                return Err(unknown(input, option));
            }
            comma(input)?;
        }
        Ok(())
    }
}
