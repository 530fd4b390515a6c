//! The deserializer that answers with made-up values and notes what it was asked.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};

use super::{
    made_up::{ANYTHING, Anything, CHARS, FLOATS, INTEGERS, LENGTHS, TEXTS},
    probe::{Ask, Entered, Id, Trace},
    schema::Kind,
    sink::Payload,
};

/// A made-up value did not do.
#[derive(Debug)]
pub(super) struct Refusal;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a value")
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

pub(super) type Traced<T> = Result<T, Refusal>;

pub(super) struct Tracer<'t>(pub(super) &'t mut Trace);

impl Tracer<'_> {
    /// The one part of a node that has one.
    fn inner<T>(self, entered: &Entered, visit: impl FnOnce(Tracer<'_>) -> Traced<T>) -> Traced<T> {
        let Entered { id, way, .. } = *entered;
        self.0.at(id, way, 0);
        let value = visit(Tracer(self.0))?;
        self.0.part(id, way, 0);
        self.0.ended(id, way, 1);
        Ok(value)
    }

    fn items<'de, V: Visitor<'de>>(
        self,
        entered: &Entered,
        limit: usize,
        visitor: V,
    ) -> Traced<V::Value> {
        let Entered { id, way, .. } = *entered;
        let mut items = Items {
            trace: self.0,
            id,
            way,
            index: 0,
            limit,
        };
        let value = visitor.visit_seq(&mut items)?;
        let asked = items.index;
        self.0.ended(id, way, asked);
        Ok(value)
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $kind:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Traced<V::Value> {
            let candidate = self.0.leaf(Kind::$kind, "")?;
            visitor.$visit(INTEGERS[candidate].try_into().expect("all fit the smallest type"))
        }
    )* };
}

macro_rules! leaves {
    ($($method:ident $kind:ident |$visitor:ident, $candidate:ident| $answer:expr;)*) => { $(
        fn $method<V: Visitor<'de>>(self, $visitor: V) -> Traced<V::Value> {
            let $candidate = self.0.leaf(Kind::$kind, "")?;
            $answer
        }
    )* };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Refusal;

    integers! {
        deserialize_i8 visit_i8 I8
        deserialize_i16 visit_i16 I16
        deserialize_i32 visit_i32 I32
        deserialize_i64 visit_i64 I64
        deserialize_i128 visit_i128 I128
        deserialize_u8 visit_u8 U8
        deserialize_u16 visit_u16 U16
        deserialize_u32 visit_u32 U32
        deserialize_u64 visit_u64 U64
        deserialize_u128 visit_u128 U128
    }

    leaves! {
        deserialize_bool Bool |visitor, candidate| visitor.visit_bool(candidate == 1);
        deserialize_f32 F32 |visitor, candidate| visitor.visit_f32(FLOATS[candidate]);
        deserialize_f64 F64 |visitor, candidate| visitor.visit_f64(FLOATS[candidate].into());
        deserialize_char Char |visitor, candidate| visitor.visit_char(CHARS[candidate]);
        deserialize_str Str |visitor, candidate| visitor.visit_borrowed_str(TEXTS[candidate]);
        deserialize_string Str |visitor, candidate| visitor.visit_borrowed_str(TEXTS[candidate]);
        deserialize_bytes Bytes |visitor, candidate| visitor.visit_bytes(&[0; 64][..LENGTHS[candidate]]);
        deserialize_byte_buf Bytes |visitor, candidate| visitor.visit_bytes(&[0; 64][..LENGTHS[candidate]]);
        deserialize_unit Unit |visitor, _candidate| visitor.visit_unit();
        deserialize_ignored_any Ignored |visitor, _candidate| visitor.visit_unit();
        deserialize_identifier Identifier |visitor, candidate| visitor.visit_borrowed_str(TEXTS[candidate]);
        deserialize_any Any |visitor, candidate| match ANYTHING[candidate] {
            Anything::Unit => visitor.visit_unit(),
            Anything::Integer => visitor.visit_u64(1),
            Anything::Text => visitor.visit_borrowed_str("a"),
            Anything::Bool => visitor.visit_bool(true),
            Anything::Float => visitor.visit_f64(0.5),
            Anything::List => visitor.visit_seq(SeqDeserializer::new([1u8].into_iter())),
            Anything::Map => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(u8, u8)>())),
        };
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Traced<V::Value> {
        self.0.leaf(Kind::Unit, name)?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Option, "", &[], 0)?;
        let value = match entered.way {
            0 => visitor.visit_none(),
            _ => Tracer(self.0).inner(&entered, |tracer| visitor.visit_some(tracer)),
        }?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Newtype, name, &[], 0)?;
        let value =
            Tracer(self.0).inner(&entered, |tracer| visitor.visit_newtype_struct(tracer))?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Seq, "", &[], 0)?;
        let value = Tracer(self.0).items(&entered, entered.way, visitor)?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Traced<V::Value> {
        self.deserialize_tuple_struct("", len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Tuple, name, &[], len)?;
        let value = Tracer(self.0).items(&entered, len, visitor)?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Struct, name, fields, fields.len())?;
        let value = Tracer(self.0).items(&entered, fields.len(), visitor)?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Traced<V::Value> {
        let entered = self.0.enter::<V>(Ask::Map, "", &[], 0)?;
        let Entered { id, way, .. } = entered;
        let mut items = Items {
            trace: &mut *self.0,
            id,
            way,
            index: 0,
            limit: 2 * way,
        };
        let value = visitor.visit_map(&mut items)?;
        let asked = items.index;
        self.0.ended(id, way, asked);
        self.0.leave(&entered);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Traced<V::Value> {
        let entered = self
            .0
            .enter::<V>(Ask::Enum, name, variants, variants.len())?;
        let value = visitor.visit_enum(Chosen {
            trace: &mut *self.0,
            id: entered.id,
            way: entered.way,
        })?;
        self.0.leave(&entered);
        Ok(value)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a struct, tuple, list or map, as they are asked for one by one.
struct Items<'t> {
    trace: &'t mut Trace,
    id: Id,
    way: usize,
    index: usize,
    limit: usize,
}

impl Items<'_> {
    fn next<'de, T: DeserializeSeed<'de>>(&mut self, seed: T) -> Traced<T::Value> {
        self.trace.at(self.id, self.way, self.index);
        let value = seed.deserialize(Tracer(&mut *self.trace))?;
        self.trace.part(self.id, self.way, self.index);
        self.index += 1;
        Ok(value)
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Traced<Option<T::Value>> {
        if self.index == self.limit {
            return Ok(None);
        }
        self.next(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.limit - self.index)
    }
}

impl<'de> de::MapAccess<'de> for Items<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Traced<Option<K::Value>> {
        if self.index == self.limit {
            return Ok(None);
        }
        self.next(seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Traced<V::Value> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some((self.limit - self.index) / 2)
    }
}

/// A variant that was chosen.
struct Chosen<'t> {
    trace: &'t mut Trace,
    id: Id,
    way: usize,
}

impl<'de> de::EnumAccess<'de> for Chosen<'_> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Traced<(V::Value, Self)> {
        let number = u32::try_from(self.way).map_err(|_| Refusal)?;
        let number: de::value::U32Deserializer<Refusal> = number.into_deserializer();
        let variant = seed.deserialize(number);
        let variant = variant.inspect_err(|_| self.trace.absent(self.id, self.way))?;
        Ok((variant, self))
    }
}

impl Chosen<'_> {
    fn parts<'de, V: Visitor<'de>>(self, limit: usize, visitor: V) -> Traced<V::Value> {
        let Self { trace, id, way } = self;
        let mut items = Items {
            trace,
            id,
            way,
            index: 0,
            limit,
        };
        let value = visitor.visit_seq(&mut items)?;
        let asked = items.index;
        items.trace.ended(id, way, asked);
        Ok(value)
    }
}

impl<'de> de::VariantAccess<'de> for Chosen<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Traced<()> {
        self.trace.payload(self.id, self.way, Payload::Unit);
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Traced<T::Value> {
        let Self { trace, id, way } = self;
        trace.payload(id, way, Payload::Newtype);
        trace.at(id, way, 0);
        let value = seed.deserialize(Tracer(&mut *trace))?;
        trace.part(id, way, 0);
        trace.ended(id, way, 1);
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Traced<V::Value> {
        self.trace.payload(self.id, self.way, Payload::Tuple);
        self.parts(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Traced<V::Value> {
        let way = self.trace.payload(self.id, self.way, Payload::Struct);
        way.fields = fields;
        self.parts(fields.len(), visitor)
    }
}
