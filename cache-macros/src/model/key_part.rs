//! The rules of `#[derive(KeyPart)]`: which fields are in the key, and what they must be.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Generics, Index, Member, Path, Result, Type,
    parse_quote, spanned::Spanned,
};

use crate::{
    args::{FieldOptions, KeyOptions, TypeOptions},
    errors::Errors,
    function::mentions,
};

/// A type that can stand in a key, free of mistakes.
pub(crate) struct KeyPart {
    pub(crate) krate: Option<Path>,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// The types that must be `KeyPart` where the type has parameters.
    pub(crate) bounds: Vec<Type>,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The fields that are in the key.
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
}

impl KeyPart {
    /// Checks `item`. The error holds every mistake there is.
    pub(crate) fn check(item: &DeriveInput) -> Result<Self> {
        let mut errors = Errors::default();
        let krate = TypeOptions::of(&item.attrs, &mut errors).krate;
        let shape = match &item.data {
            Data::Struct(data) => {
                let (fields, skipped) = kept(&data.fields, &mut errors);
                if let (true, Some(skip)) = (fields.is_empty(), skipped) {
                    let message = "every field is skipped, so that all values would share one \
                                   key: keep the fields that tell them apart";
                    errors.push(Error::new_spanned(skip, message));
                }
                Shape::Struct(fields)
            }
            Data::Enum(data) => Shape::Enum(variants(data, &mut errors)),
            Data::Union(data) => {
                let message = "a union does not know which of its fields holds the value: \
                               implement `KeyPart` by hand";
                errors.push(Error::new_spanned(data.union_token, message));
                Shape::Struct(Vec::new())
            }
        };
        errors.finish(Self {
            krate,
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            bounds: bounds(item, &shape),
            shape,
        })
    }

    /// Where larder is, as far as a type with mistakes says it.
    pub(crate) fn krate(item: &DeriveInput) -> Option<Path> {
        TypeOptions::of(&item.attrs, &mut Errors::default()).krate
    }
}

fn variants(data: &DataEnum, errors: &mut Errors) -> Vec<Variant> {
    let variants = data.variants.iter();
    let variants = variants.map(|variant| {
        errors.take(no_options(&variant.attrs));
        Variant {
            ident: variant.ident.clone(),
            fields: kept(&variant.fields, errors).0,
        }
    });
    variants.collect()
}

/// The name of a variant is always in the key.
fn no_options(attributes: &[Attribute]) -> Result<()> {
    match attributes.iter().find(|it| it.path().is_ident("key")) {
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "`key` has no options for a variant, whose name is always in the key: write \
             `#[key(skip)]` at its fields",
        )),
        None => Ok(()),
    }
}

/// The fields that are in the key, and a `skip` of one that is not.
fn kept(fields: &syn::Fields, errors: &mut Errors) -> (Vec<Field>, Option<Ident>) {
    let (mut kept, mut skipped) = (Vec::new(), None);
    for (index, field) in (0..).zip(fields) {
        match FieldOptions::of(&field.attrs, errors).skip {
            Some(skip) => skipped = Some(skip),
            None => kept.push(Field {
                member: field.ident.clone().map_or_else(
                    || {
                        let span = field.ty.span();
                        Member::Unnamed(Index { index, span })
                    },
                    Member::Named,
                ),
                ty: field.ty.clone(),
            }),
        }
    }
    (kept, skipped)
}

/// The types of the fields that depend on a type parameter. Of a field that holds the type itself,
/// which would ask for what is just being given, the parameters alone.
fn bounds(item: &DeriveInput, shape: &Shape) -> Vec<Type> {
    let fields: Vec<&Field> = match shape {
        Shape::Struct(fields) => fields.iter().collect(),
        Shape::Enum(variants) => variants.iter().flat_map(|it| &it.fields).collect(),
    };
    let itself = Ident::new("Self", item.ident.span());
    let mut bounds = Vec::new();
    for Field { ty, .. } in fields {
        let parameters = item.generics.type_params().map(|param| &param.ident);
        let used = parameters.filter(|ident| names(ty, ident));
        let needed: Vec<Type> = if names(ty, &item.ident) || names(ty, &itself) {
            used.map(|ident| parse_quote!(#ident)).collect()
        } else {
            used.take(1).map(|_| ty.clone()).collect()
        };
        for bound in needed {
            let text = |ty: &Type| ty.to_token_stream().to_string();
            if bounds.iter().all(|known| text(known) != text(&bound)) {
                bounds.push(bound);
            }
        }
    }
    bounds
}

fn names(ty: &Type, name: &Ident) -> bool {
    let is = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == name);
    mentions(ty.to_token_stream(), &is)
}
