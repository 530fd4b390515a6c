//! Reads bincode from bytes that nobody vouches for.
//!
//! bincode's own serde reader has no bound on depth, takes a length for true before it looks at
//! what is left, and reads 2^34 units from nine bytes. This one reads the same format with those
//! three closed.

#![expect(
    clippy::inline_always,
    reason = "a few instructions each, which are most of what a small value takes"
)]

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor,
    value::U32Deserializer,
};

use super::{
    MAX_DECODED, OWN_DESERIALIZE,
    bincode_out::SMALL,
    limits::{Limits, Purse},
};

/// Why bytes could not be read. A byte, so that every step can hand it on for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Cut,
    LeftOver,
    TooMuch,
    TooDeep,
    /// A number that is too wide, text that is not UTF-8, a choice that there is not.
    Mark,
    Names,
    Own,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "bytes are missing",
            Self::LeftOver => "bytes or elements are left over",
            Self::TooMuch => "it would take too much memory",
            Self::TooDeep => "it is nested too deep",
            Self::Mark => "a byte stands for nothing that can be there",
            Self::Names => "the type asks for names, which bincode does not have",
            Self::Own => OWN_DESERIALIZE,
        })
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Own
    }
}

type Read<T> = Result<T, Unreadable>;

/// Reads a value that is all of `bytes`.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Read<T> {
    if bytes.len() > MAX_DECODED {
        return Err(Unreadable::TooMuch);
    }
    let mut state = State {
        rest: bytes,
        limits: Limits::new(),
    };
    let value = T::deserialize(Source(&mut state))?;
    if !state.rest.is_empty() {
        return Err(Unreadable::LeftOver);
    }
    Ok(value)
}

/// The bytes not read yet, and what reading them may still take.
struct State<'de> {
    rest: &'de [u8],
    limits: Limits,
}

impl<'de> State<'de> {
    #[inline(always)]
    fn take(&mut self, n: usize) -> Read<&'de [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Unreadable::Cut)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Unreadable::Cut)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline(always)]
    fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number of up to so many bytes, or a length of up to eight.
    #[inline(always)]
    fn unsigned(&mut self, widest: usize) -> Read<u64> {
        let first = self.byte()?;
        if first < SMALL {
            Ok(first.into())
        } else {
            self.long(first, widest)
        }
    }

    #[inline(always)]
    fn long(&mut self, mark: u8, widest: usize) -> Read<u64> {
        let value = match mark - SMALL {
            0 => u64::from(u16::from_le_bytes(self.array()?)),
            1 if widest >= 4 => u64::from(u32::from_le_bytes(self.array()?)),
            2 if widest >= 8 => u64::from_le_bytes(self.array()?),
            _ => return Err(Unreadable::Mark),
        };
        Ok(value)
    }

    #[inline(always)]
    fn signed(&mut self, widest: usize) -> Read<i64> {
        let value = self.unsigned(widest)?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn wide(&mut self) -> Read<u128> {
        if self.rest.first() != Some(&(SMALL + 3)) {
            return self.unsigned(8).map(u128::from);
        }
        self.byte()?;
        self.array().map(u128::from_le_bytes)
    }

    fn wide_signed(&mut self) -> Read<i128> {
        let value = self.wide()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    #[inline(always)]
    fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable::Mark),
        }
    }

    fn char(&mut self) -> Read<char> {
        let length = match self.rest.first() {
            Some(0xf0..) => 4,
            Some(0xe0..) => 3,
            Some(0xc0..) => 2,
            _ => 1,
        };
        let text = str::from_utf8(self.take(length)?).ok();
        let char = text.and_then(|text| text.chars().next());
        char.ok_or(Unreadable::Mark)
    }

    #[inline(always)]
    fn len(&mut self) -> Read<usize> {
        let len = self.unsigned(8)?;
        usize::try_from(len).map_err(|_| Unreadable::TooMuch)
    }

    #[inline(always)]
    fn bytes(&mut self) -> Read<&'de [u8]> {
        let len = self.len()?;
        self.take(len)
    }

    #[inline(always)]
    fn str(&mut self) -> Read<&'de str> {
        str::from_utf8(self.bytes()?).map_err(|_| Unreadable::Mark)
    }

    /// Reads what lies one level deeper. After an error nothing more is read, so only success
    /// comes up again.
    #[inline(always)]
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if !self.limits.down() {
            return Err(Unreadable::TooDeep);
        }
        let value = read(self)?;
        self.limits.up();
        Ok(value)
    }

    #[inline(always)]
    fn tuple<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Read<V::Value> {
        self.deeper(|state| visitor.visit_seq(Fields { state, left: len }))
    }
}

struct Source<'s, 'de>(&'s mut State<'de>);

macro_rules! primitives {
    ($($method:ident $visit:ident $state:ident => $read:expr;)*) => { $(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            let $state = self.0;
            visitor.$visit($read)
        }
    )* };
}

/// The width was checked when it was read.
macro_rules! narrow {
    ($value:expr) => {
        $value.try_into().map_err(|_| Unreadable::Mark)?
    };
}

impl<'de> Deserializer<'de> for Source<'_, 'de> {
    type Error = Unreadable;

    primitives! {
        deserialize_bool visit_bool state => state.flag()?;
        deserialize_i8 visit_i8 state => state.byte()?.cast_signed();
        deserialize_i16 visit_i16 state => narrow!(state.signed(2)?);
        deserialize_i32 visit_i32 state => narrow!(state.signed(4)?);
        deserialize_i64 visit_i64 state => state.signed(8)?;
        deserialize_i128 visit_i128 state => state.wide_signed()?;
        deserialize_u8 visit_u8 state => state.byte()?;
        deserialize_u16 visit_u16 state => narrow!(state.unsigned(2)?);
        deserialize_u32 visit_u32 state => narrow!(state.unsigned(4)?);
        deserialize_u64 visit_u64 state => state.unsigned(8)?;
        deserialize_u128 visit_u128 state => state.wide()?;
        deserialize_f32 visit_f32 state => f32::from_le_bytes(state.array()?);
        deserialize_f64 visit_f64 state => f64::from_le_bytes(state.array()?);
        deserialize_char visit_char state => state.char()?;
        deserialize_str visit_borrowed_str state => state.str()?;
        deserialize_string visit_borrowed_str state => state.str()?;
        deserialize_bytes visit_borrowed_bytes state => state.bytes()?;
        deserialize_byte_buf visit_borrowed_bytes state => state.bytes()?;
    }

    #[inline(always)]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.0.flag()? {
            self.0.deeper(|state| visitor.visit_some(Source(state)))
        } else {
            visitor.visit_none()
        }
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let left = self.0.len()?;
        self.0.deeper(|state| {
            let mut elements = Elements::new(state, left);
            let value = visitor.visit_seq(&mut elements)?;
            elements.end().map(|()| value)
        })
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let left = self.0.len()?;
        self.0.deeper(|state| {
            let mut elements = Elements::new(state, left);
            let value = visitor.visit_map(&mut elements)?;
            elements.end().map(|()| value)
        })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.0.tuple(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.0.tuple(len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.0.tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.0.deeper(|state| visitor.visit_enum(Source(state)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(Unreadable::Names)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(Unreadable::Names)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(Unreadable::Names)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> de::EnumAccess<'de> for Source<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let number: u32 = narrow!(self.0.unsigned(4)?);
        let number: U32Deserializer<Unreadable> = number.into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Source<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn unit_variant(self) -> Read<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.0.tuple(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.0.tuple(fields.len(), visitor)
    }
}

/// The parts of a struct or tuple, whose number the type knows.
struct Fields<'s, 'de> {
    state: &'s mut State<'de>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Unreadable;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Source(self.state)).map(Some)
    }

    #[inline(always)]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The elements of a list or map, whose number the bytes claim.
struct Elements<'s, 'de> {
    state: &'s mut State<'de>,
    left: usize,
    /// How many may be made room for at once.
    room: usize,
    purse: Purse,
}

impl<'s, 'de> Elements<'s, 'de> {
    #[inline]
    fn new(state: &'s mut State<'de>, left: usize) -> Self {
        let rest = state.rest.len();
        Self {
            left,
            room: state.limits.room(rest),
            purse: Purse::default(),
            state,
        }
    }

    #[inline]
    fn element<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value> {
        if !self
            .purse
            .pay(&mut self.state.limits, size_of::<T::Value>())
        {
            return Err(Unreadable::TooMuch);
        }
        seed.deserialize(Source(self.state))
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.element(seed).map(Some)
    }

    /// What was not asked for is still there, and would be taken for what comes next.
    #[inline]
    fn end(&mut self) -> Read<()> {
        self.purse.close(&mut self.state.limits);
        if self.left > 0 {
            return Err(Unreadable::LeftOver);
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
        Some(self.left.min(self.room))
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
        Some(self.left.min(self.room))
    }
}
