//! Reads `MessagePack` from bytes that nobody vouches for.
//!
//! `rmp-serde` counts neither enum variants in its depth nor what elements take in memory, so that
//! a megabyte can exhaust the stack and sixteen all memory. This reads what it writes, with both
//! bounded, and nothing that it does not write.

use std::{borrow::Cow, fmt};

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, Unexpected, Visitor,
};

use super::{
    MAX_DECODED, OWN_DESERIALIZE,
    limits::{Limits, Purse, check_time, in_time},
    marker::Marker,
};

/// Why bytes could not be read.
#[derive(Debug)]
pub(super) struct Unreadable(Cow<'static, str>);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        check_time();
        Self(OWN_DESERIALIZE.into())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        check_time();
        Self(format!("it is something else than {expected}").into())
    }

    fn missing_field(field: &'static str) -> Self {
        check_time();
        Self(format!("the field `{field}` is missing").into())
    }
}

type Read<T> = Result<T, Unreadable>;

#[cold]
fn bad<T>(why: &'static str) -> Read<T> {
    Err(Unreadable(why.into()))
}

const TOO_DEEP: &str = "it is nested too deep";
const TOO_MUCH: &str = "it would take too much memory";
const CUT: &str = "bytes are missing";

/// Reads a value that is all of `bytes`.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Read<T> {
    if bytes.len() > MAX_DECODED {
        return bad("there are too many bytes");
    }
    let read = || {
        let mut state = State {
            rest: bytes,
            limits: Limits::new(),
        };
        let value = T::deserialize(Reader(&mut state))?;
        match state.rest {
            [] => Ok(value),
            _ => bad("bytes are left over"),
        }
    };
    in_time(bytes.len(), read).unwrap_or_else(|| bad("it takes too long"))
}

struct State<'de> {
    rest: &'de [u8],
    limits: Limits,
}

impl<'de> State<'de> {
    #[inline]
    fn peek(&self) -> Read<Marker> {
        match self.rest {
            [first, ..] => Ok(Marker::of(*first)),
            [] => bad(CUT),
        }
    }

    #[inline]
    fn skip(&mut self) {
        self.rest = &self.rest[1..];
    }

    #[inline]
    fn take(&mut self, n: usize) -> Read<&'de [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(n) else {
            return bad(CUT);
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else {
            return bad(CUT);
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// A length of so many bytes.
    fn len(&mut self, width: usize) -> Read<usize> {
        let bytes = self.take(width)?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    #[inline]
    fn str(&mut self, len: usize) -> Read<&'de str> {
        match str::from_utf8(self.take(len)?) {
            Ok(text) => Ok(text),
            Err(_) => bad("text is not UTF-8"),
        }
    }

    /// Reads what lies one level deeper. After an error nothing more is read, so only success
    /// comes up again.
    #[inline]
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if !self.limits.down() {
            return bad(TOO_DEEP);
        }
        let value = read(self)?;
        self.limits.up();
        Ok(value)
    }

    #[inline]
    fn list<V: Visitor<'de>>(&mut self, len: usize, pays: bool, visitor: V) -> Read<V::Value> {
        self.deeper(|state| {
            let mut elements = Elements::new(state, len, pays)?;
            let value = visitor.visit_seq(&mut elements)?;
            elements.end().map(|()| value)
        })
    }

    #[inline]
    fn map<V: Visitor<'de>>(&mut self, len: usize, pays: bool, visitor: V) -> Read<V::Value> {
        self.deeper(|state| {
            let mut elements = Elements::new(state, len, pays)?;
            let value = visitor.visit_map(&mut elements)?;
            elements.end().map(|()| value)
        })
    }

    /// Reads whatever comes next. If it has elements, it `pays` for them, unless the type knows
    /// how many there are.
    #[inline]
    fn any<V: Visitor<'de>>(&mut self, pays: bool, visitor: V) -> Read<V::Value> {
        let marker = self.peek()?;
        self.skip();
        match marker {
            Marker::Null => visitor.visit_unit(),
            Marker::True => visitor.visit_bool(true),
            Marker::False => visitor.visit_bool(false),
            Marker::FixPos(value) => visitor.visit_u8(value),
            Marker::FixNeg(value) => visitor.visit_i8(value),
            Marker::U8 => visitor.visit_u8(u8::from_be_bytes(self.array()?)),
            Marker::U16 => visitor.visit_u16(u16::from_be_bytes(self.array()?)),
            Marker::U32 => visitor.visit_u32(u32::from_be_bytes(self.array()?)),
            Marker::U64 => visitor.visit_u64(u64::from_be_bytes(self.array()?)),
            Marker::I8 => visitor.visit_i8(i8::from_be_bytes(self.array()?)),
            Marker::I16 => visitor.visit_i16(i16::from_be_bytes(self.array()?)),
            Marker::I32 => visitor.visit_i32(i32::from_be_bytes(self.array()?)),
            Marker::I64 => visitor.visit_i64(i64::from_be_bytes(self.array()?)),
            Marker::F32 => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            Marker::F64 => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            other => self.sized(other, pays, visitor),
        }
    }

    /// Reads what has a length.
    fn sized<V: Visitor<'de>>(&mut self, marker: Marker, pays: bool, visitor: V) -> Read<V::Value> {
        let len = match marker {
            Marker::FixStr(len) | Marker::FixArray(len) | Marker::FixMap(len) => len.into(),
            Marker::Str8 | Marker::Bin8 => self.len(1)?,
            Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => self.len(2)?,
            Marker::Str32 | Marker::Bin32 | Marker::Array32 | Marker::Map32 => self.len(4)?,
            _ => return bad("it holds what is never written"),
        };
        match marker {
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                self.list(len, pays, visitor)
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => self.map(len, pays, visitor),
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                visitor.visit_borrowed_bytes(self.take(len)?)
            }
            _ => visitor.visit_borrowed_str(self.str(len)?),
        }
    }

    /// The sixteen bytes of a wide integer.
    fn wide(&mut self) -> Read<[u8; 16]> {
        match self.array()? {
            [0xc4, 16] => self.array(),
            _ => bad("not a wide integer"),
        }
    }
}

struct Reader<'s, 'de>(&'s mut State<'de>);

macro_rules! any {
    ($($method:ident)*) => { $(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            self.0.any(true, visitor)
        }
    )* };
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Unreadable;

    any! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }

    #[inline]
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_i128(i128::from_be_bytes(self.0.wide()?))
    }

    #[inline]
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_u128(u128::from_be_bytes(self.0.wide()?))
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.0.peek()? == Marker::Null {
            self.0.skip();
            return visitor.visit_none();
        }
        self.0.deeper(|state| visitor.visit_some(Reader(state)))
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        match self.0.peek()? {
            Marker::FixArray(0) => {
                self.0.skip();
                visitor.visit_unit()
            }
            _ => self.0.any(false, visitor),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        self.0.any(false, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.0.any(false, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.0.any(false, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let holds = self.0.peek()? == Marker::FixMap(1);
        if holds {
            self.0.skip();
        }
        self.0
            .deeper(|state| visitor.visit_enum(Variant { state, holds }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A variant: its name alone, or a map from its name to what it holds.
struct Variant<'s, 'de> {
    state: &'s mut State<'de>,
    holds: bool,
}

impl<'s, 'de> Variant<'s, 'de> {
    fn held(self) -> Read<&'s mut State<'de>> {
        if self.holds {
            Ok(self.state)
        } else {
            bad("a variant holds nothing")
        }
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let name = seed.deserialize(Reader(&mut *self.state))?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Read<()> {
        if self.holds {
            return bad("a variant holds something");
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(Reader(self.held()?))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        self.held()?.any(false, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.held()?.any(false, visitor)
    }
}

/// The elements of a list or map.
struct Elements<'s, 'de> {
    state: &'s mut State<'de>,
    left: usize,
    room: usize,
    pays: bool,
    purse: Purse,
}

impl<'s, 'de> Elements<'s, 'de> {
    #[inline]
    fn new(state: &'s mut State<'de>, left: usize, pays: bool) -> Read<Self> {
        // Every element takes a byte at least.
        if left > state.rest.len() {
            return bad(CUT);
        }
        let room = state.limits.room(state.rest.len());
        Ok(Self {
            state,
            left,
            room,
            pays,
            purse: Purse::default(),
        })
    }

    #[inline]
    fn element<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value> {
        let size = size_of::<T::Value>();
        if self.pays && !self.purse.pay(&mut self.state.limits, size) {
            return bad(TOO_MUCH);
        }
        seed.deserialize(Reader(self.state))
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.element(seed).map(Some)
    }

    #[inline]
    fn hint(&self) -> usize {
        self.left.min(self.room)
    }

    #[inline]
    fn end(&mut self) -> Read<()> {
        self.purse.close(&mut self.state.limits);
        if self.left > 0 {
            return bad("elements are left over");
        }
        Ok(())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        self.next(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.element(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}
