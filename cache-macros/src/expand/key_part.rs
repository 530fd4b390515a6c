//! `#[derive(KeyPart)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{DeriveInput, Path, ext::IdentExt, spanned::Spanned};

use super::{at, here, private};
use crate::model::{Field, KeyPart, Shape, Variant};

/// The implementation; beside mistakes, one that lets everything else compile.
pub(crate) fn key_part(item: &DeriveInput) -> TokenStream {
    match KeyPart::check(item) {
        Ok(model) => implementation(&model),
        Err(mistakes) => {
            let nothing = KeyPart {
                krate: KeyPart::krate(item),
                ident: item.ident.clone(),
                generics: item.generics.clone(),
                bounds: Vec::new(),
                shape: Shape::Struct(Vec::new()),
            };
            let mut text = implementation(&nothing);
            text.extend(mistakes.into_compile_error());
            text
        }
    }
}

fn implementation(model: &KeyPart) -> TokenStream {
    let KeyPart {
        krate,
        ident,
        bounds,
        ..
    } = model;
    let krate = krate.as_ref();
    let facade = krate.map_or_else(
        || quote_spanned!(here()=> ::larder),
        ToTokens::to_token_stream,
    );
    let mut generics = model.generics.clone();
    if !bounds.is_empty() {
        let clause = generics.make_where_clause();
        for ty in bounds {
            let bound = quote_spanned!(at(ty)=> #ty: #facade::KeyPart);
            clause
                .predicates
                .push(syn::parse_quote_spanned!(at(ty)=> #bound));
        }
    }
    let (parameters, arguments, clause) = generics.split_for_impl();
    let body = match &model.shape {
        Shape::Struct(fields) => structure(krate, fields),
        Shape::Enum(variants) => enumeration(krate, variants),
    };
    // One that needs nothing is no help to who looks for what a type lacks.
    let hidden = bounds
        .is_empty()
        .then(|| quote_spanned!(here()=> #[diagnostic::do_not_recommend]));
    quote_spanned! {here()=>
        #[automatically_derived]
        #hidden
        #[allow(deprecated)]
        impl #parameters #facade::KeyPart for #ident #arguments #clause {
            fn write_key(&self, key: &mut #facade::KeyWriter) {
                #body
            }
        }
    }
}

/// A structure with one field is spelt as this field, any other as the tuple of its fields.
fn structure(krate: Option<&Path>, fields: &[Field]) -> TokenStream {
    let values = fields.iter().map(|Field { member, ty }| {
        let value = quote_spanned!(at(ty)=> &self.#member);
        part(krate, ty, &value)
    });
    match fields {
        [_] => values.collect(),
        _ => tuple("", values),
    }
}

/// A variant is spelt as its name, and then the tuple of its fields if it has any.
fn enumeration(krate: Option<&Path>, variants: &[Variant]) -> TokenStream {
    if variants.is_empty() {
        return quote_spanned!(here()=> match *self {});
    }
    let arms = variants.iter().map(|Variant { ident, fields }| {
        let name = ident.unraw().to_string();
        let members = fields.iter().map(|field| &field.member);
        let locals: Vec<Ident> = (0..)
            .zip(fields)
            .map(|(index, field): (usize, _)| format_ident!("field{index}", span = at(&field.ty)))
            .collect();
        let values = fields.iter().zip(&locals);
        let values = values.map(|(field, local)| part(krate, &field.ty, &local.to_token_stream()));
        let text = if fields.is_empty() {
            quote_spanned!(here()=> key.literal(#name);)
        } else {
            tuple(&name, values)
        };
        quote_spanned!(here()=> Self::#ident { #(#members: #locals,)* .. } => { #text })
    });
    quote_spanned!(here()=> match self { #(#arms)* })
}

/// Statements that write `name(a,b,)`.
fn tuple(name: &str, values: impl ExactSizeIterator<Item = TokenStream>) -> TokenStream {
    let last = values.len().checked_sub(1);
    let open = format!("{name}({}", if last.is_some() { "" } else { ")" });
    let values = values.enumerate().map(|(index, value)| {
        let comma = if Some(index) == last { ",)" } else { "," };
        quote_spanned!(here()=> #value key.literal(#comma);)
    });
    quote_spanned!(here()=> key.literal(#open); #(#values)*)
}

/// A statement that writes `value`; a type that cannot be part of a key is reported where it is
/// written.
fn part(krate: Option<&Path>, ty: &impl Spanned, value: &TokenStream) -> TokenStream {
    let private = private(krate, at(ty));
    let key = Ident::new("key", here());
    quote_spanned!(at(ty)=> #private::KeyPart::write_key(#value, #key);)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syn::parse_quote;

    use super::key_part;
    use crate::expand::tests::assert_text;

    fn assert_derived(item: &syn::DeriveInput, expected: &Expect) {
        assert_text(key_part(item), expected);
    }

    #[test]
    fn a_structure_is_the_tuple_of_its_fields() {
        assert_derived(
            &parse_quote! {
                struct Page<T, U> {
                    list: Vec<T>,
                    number: u32,
                    #[key(skip)]
                    seen: U,
                }
            },
            &expect![[r#"
                #[automatically_derived]
                #[allow(deprecated)]
                impl<T, U> ::larder::KeyPart for Page<T, U>
                where
                    Vec<T>: ::larder::KeyPart,
                {
                    fn write_key(&self, key: &mut ::larder::KeyWriter) {
                        key.literal("(");
                        ::larder::__private::KeyPart::write_key(&self.list, key);
                        key.literal(",");
                        ::larder::__private::KeyPart::write_key(&self.number, key);
                        key.literal(",)");
                    }
                }
            "#]],
        );
    }

    #[test]
    fn a_variant_is_its_name_and_its_fields() {
        assert_derived(
            &parse_quote! {
                #[key(crate = crate::store)]
                enum Find {
                    All,
                    ById(u64),
                    r#In { team: Team, #[key(skip)] trace: Trace },
                }
            },
            &expect![[r#"
                #[automatically_derived]
                #[diagnostic::do_not_recommend]
                #[allow(deprecated)]
                impl crate::store::KeyPart for Find {
                    fn write_key(&self, key: &mut crate::store::KeyWriter) {
                        match self {
                            Self::All { .. } => {
                                key.literal("All");
                            }
                            Self::ById { 0: field0, .. } => {
                                key.literal("ById(");
                                crate::store::__private::KeyPart::write_key(field0, key);
                                key.literal(",)");
                            }
                            Self::r#In { team: field0, .. } => {
                                key.literal("In(");
                                crate::store::__private::KeyPart::write_key(field0, key);
                                key.literal(",)");
                            }
                        }
                    }
                }
            "#]],
        );
    }

    #[test]
    fn an_implementation_stays_beside_the_mistakes() {
        assert_derived(
            &parse_quote! {
                struct Lost<T: Copy>(#[key(skpi)] T);
            },
            &expect![[r#"
                #[automatically_derived]
                #[diagnostic::do_not_recommend]
                #[allow(deprecated)]
                impl<T: Copy> ::larder::KeyPart for Lost<T> {
                    fn write_key(&self, key: &mut ::larder::KeyWriter) {
                        key.literal("()");
                    }
                }
                ::core::compile_error! {
                    "`skpi` is unknown: did you mean `skip`?"
                }
            "#]],
        );
    }
}
