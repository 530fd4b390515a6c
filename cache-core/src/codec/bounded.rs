//! Bounds what a reader that has no bounds of its own may take: memory and time.
//!
//! It stands between a type and the format's own `Deserializer`, and counts what the elements of
//! lists and maps take, as our own readers do.

use std::{cell::Cell, fmt};

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{
    MEMORY,
    limits::{Purse, check_time, in_time},
};

/// Why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Memory,
    Time,
    /// Not a bound: the format or the type refuses the bytes.
    None,
}

/// Reads a value of so many bytes from its format, whose own words are not repeated.
pub(super) fn read<'de, T, D>(bytes: usize, source: D) -> Result<T, Bound>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let left = Cell::new(Some(MEMORY));
    let read = in_time(bytes, || T::deserialize(Bounded::new(source, &left)));
    match read {
        None => Err(Bound::Time),
        Some(Ok(value)) => Ok(value),
        Some(Err(Refused)) if left.get().is_none() => Err(Bound::Memory),
        Some(Err(Refused)) => Err(Bound::None),
    }
}

/// The one error: who is to blame is found out once, at the end.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        check_time();
        Self
    }
}

type Read<T> = Result<T, Refused>;

/// A part of the format, or of what it is to become, under bounds.
struct Bounded<'b, T> {
    part: T,
    /// The memory that elements may still take; `None` once they wanted more.
    left: &'b Cell<Option<usize>>,
    /// Whether elements lie apart and so take memory of their own, unlike fields.
    apart: bool,
}

impl<'b, T> Bounded<'b, T> {
    fn new(part: T, left: &'b Cell<Option<usize>>) -> Self {
        Self {
            part,
            left,
            apart: true,
        }
    }

    /// Another part under the same bounds.
    fn with<P>(&self, part: P) -> Bounded<'b, P> {
        Bounded::new(part, self.left)
    }

    /// The access to what a visitor visits.
    fn within<P>(&self, part: P) -> Bounded<'b, P> {
        Bounded {
            part,
            left: self.left,
            apart: self.apart,
        }
    }

    fn pay<E>(&self) -> Read<()> {
        if !self.apart {
            return Ok(());
        }
        let cost = Purse::cost(size_of::<E>());
        let left = self.left.get().and_then(|left| left.checked_sub(cost));
        self.left.set(left);
        left.map(drop).ok_or(Refused)
    }
}

fn inner<E: Error>(_: E) -> Refused {
    Refused
}

fn outer<E: Error>(error: Refused) -> E {
    E::custom(error)
}

macro_rules! deserialize {
    ($apart:literal: $($method:ident ( $($name:ident: $type:ty),* ))*) => { $(
        fn $method<V: Visitor<'de>>(self $(, $name: $type)*, visitor: V) -> Read<V::Value> {
            let visitor = Bounded { apart: $apart, ..self.with(visitor) };
            self.part.$method($($name,)* visitor).map_err(inner)
        }
    )* };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = Refused;

    deserialize! { true:
        deserialize_any()
        deserialize_bool()
        deserialize_i8()
        deserialize_i16()
        deserialize_i32()
        deserialize_i64()
        deserialize_i128()
        deserialize_u8()
        deserialize_u16()
        deserialize_u32()
        deserialize_u64()
        deserialize_u128()
        deserialize_f32()
        deserialize_f64()
        deserialize_char()
        deserialize_str()
        deserialize_string()
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_option()
        deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_map()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier()
        deserialize_ignored_any()
    }

    deserialize! { false:
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        self.part.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => { $(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.part.$method::<Refused>(value).map_err(outer)
        }
    )* };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.part.expecting(f)
    }

    visit! {
        visit_bool(bool)
        visit_i8(i8)
        visit_i16(i16)
        visit_i32(i32)
        visit_i64(i64)
        visit_i128(i128)
        visit_u8(u8)
        visit_u16(u16)
        visit_u32(u32)
        visit_u64(u64)
        visit_u128(u128)
        visit_f32(f32)
        visit_f64(f64)
        visit_char(char)
        visit_str(&str)
        visit_borrowed_str(&'de str)
        visit_string(String)
        visit_bytes(&[u8])
        visit_borrowed_bytes(&'de [u8])
        visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.part.visit_none::<Refused>().map_err(outer)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.part.visit_unit::<Refused>().map_err(outer)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.part
            .visit_some(Bounded::new(inner, self.left))
            .map_err(outer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let visited = self
            .part
            .visit_newtype_struct(Bounded::new(inner, self.left));
        visited.map_err(outer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let items = self.within(items);
        self.part.visit_seq(items).map_err(outer)
    }

    fn visit_map<A: MapAccess<'de>>(self, pairs: A) -> Result<V::Value, A::Error> {
        let pairs = self.within(pairs);
        self.part.visit_map(pairs).map_err(outer)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.with(variant);
        self.part.visit_enum(variant).map_err(outer)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<S::Value, D::Error> {
        let source = self.with(source);
        self.part.deserialize(source).map_err(outer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        let seed = self.with(seed);
        let element = self.part.next_element_seed(seed).map_err(inner)?;
        if element.is_some() {
            self.pay::<S::Value>()?;
        }
        Ok(element)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        let seed = self.with(seed);
        let key = self.part.next_key_seed(seed).map_err(inner)?;
        if key.is_some() {
            self.pay::<S::Value>()?;
        }
        Ok(key)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        self.pay::<S::Value>()?;
        let seed = self.with(seed);
        self.part.next_value_seed(seed).map_err(inner)
    }
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'b, A> {
    type Error = Refused;
    type Variant = Bounded<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<(S::Value, Self::Variant)> {
        let seed = self.with(seed);
        let (name, variant) = self.part.variant_seed(seed).map_err(inner)?;
        Ok((name, Bounded::new(variant, self.left)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = Refused;

    fn unit_variant(self) -> Read<()> {
        self.part.unit_variant().map_err(inner)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<S::Value> {
        let seed = self.with(seed);
        self.part.newtype_variant_seed(seed).map_err(inner)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        let visitor = Bounded {
            apart: false,
            ..self.with(visitor)
        };
        self.part.tuple_variant(len, visitor).map_err(inner)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let visitor = Bounded {
            apart: false,
            ..self.with(visitor)
        };
        self.part.struct_variant(fields, visitor).map_err(inner)
    }
}
