//! Reads bincode from bytes that nobody vouches for.
//!
//! bincode's own serde reader has no bound on depth, takes a length for true before it looks at
//! what is left, and reads 2^34 units from nine bytes. This one is its counterpart over the same
//! primitives with those three closed.

use bincode::{
    config::{self, Configuration},
    de::{
        BorrowDecoder, Decode, DecoderImpl,
        read::{BorrowReader, Reader},
    },
    error::DecodeError,
};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor,
    value::U32Deserializer,
};

use super::{MAX_DECODED, MAX_DEPTH, MEMORY};

type Read<T> = Result<T, DecodeError>;

/// Reads a value that is all of `bytes`.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Read<T> {
    if bytes.len() > MAX_DECODED {
        return Err(DecodeError::LimitExceeded);
    }
    let mut state = State {
        decoder: DecoderImpl::new(Rest(bytes), config::standard(), ()),
        depth: MAX_DEPTH,
        memory: MEMORY,
    };
    let value = T::deserialize(Unpacker(&mut state))?;
    if state.rest() > 0 {
        return Err(DecodeError::Other("bytes are left over"));
    }
    Ok(value)
}

/// What an element of this size in memory counts for. One without a size counts all the same,
/// since it takes time.
#[inline]
pub(super) const fn cost(size: usize) -> usize {
    if size == 0 { 64 } else { size }
}

/// The bytes not read yet.
struct Rest<'de>(&'de [u8]);

impl Reader for Rest<'_> {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> Read<()> {
        into.copy_from_slice(self.take_bytes(into.len())?);
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, n: usize) -> Option<&[u8]> {
        self.0.get(..n)
    }

    #[inline]
    fn consume(&mut self, n: usize) {
        self.0 = self.0.get(n..).unwrap_or_default();
    }
}

impl<'de> BorrowReader<'de> for Rest<'de> {
    #[inline]
    fn take_bytes(&mut self, n: usize) -> Read<&'de [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(n) else {
            let additional = n - self.0.len();
            return Err(DecodeError::UnexpectedEnd { additional });
        };
        self.0 = rest;
        Ok(taken)
    }
}

struct State<'de> {
    decoder: DecoderImpl<Rest<'de>, Configuration, ()>,
    /// How much deeper it may go.
    depth: u16,
    /// How much more memory elements may take.
    memory: usize,
}

impl<'de> State<'de> {
    #[inline]
    fn rest(&mut self) -> usize {
        self.decoder.borrow_reader().0.len()
    }

    #[inline]
    fn get<T: Decode<()>>(&mut self) -> Read<T> {
        T::decode(&mut self.decoder)
    }

    #[inline]
    fn len(&mut self) -> Read<usize> {
        let len: u64 = self.get()?;
        usize::try_from(len).map_err(|_| DecodeError::OutsideUsizeRange(len))
    }

    #[inline]
    fn bytes(&mut self) -> Read<&'de [u8]> {
        let len = self.len()?;
        self.decoder.borrow_reader().take_bytes(len)
    }

    #[inline]
    fn str(&mut self) -> Read<&'de str> {
        str::from_utf8(self.bytes()?).map_err(|inner| DecodeError::Utf8 { inner })
    }

    /// Reads what lies one level deeper. After an error nothing more is read, so only success
    /// comes up again.
    #[inline]
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or(DecodeError::LimitExceeded)?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    #[inline]
    fn tuple<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Read<V::Value> {
        self.deeper(|state| visitor.visit_seq(Fields { state, left: len }))
    }
}

struct Unpacker<'s, 'de>(&'s mut State<'de>);

macro_rules! primitives {
    ($($method:ident $visit:ident $get:ident)*) => { $(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            visitor.$visit(self.0.$get()?)
        }
    )* };
}

impl<'de> Deserializer<'de> for Unpacker<'_, 'de> {
    type Error = DecodeError;

    primitives! {
        deserialize_bool visit_bool get
        deserialize_i8 visit_i8 get
        deserialize_i16 visit_i16 get
        deserialize_i32 visit_i32 get
        deserialize_i64 visit_i64 get
        deserialize_i128 visit_i128 get
        deserialize_u8 visit_u8 get
        deserialize_u16 visit_u16 get
        deserialize_u32 visit_u32 get
        deserialize_u64 visit_u64 get
        deserialize_u128 visit_u128 get
        deserialize_f32 visit_f32 get
        deserialize_f64 visit_f64 get
        deserialize_char visit_char get
        deserialize_str visit_borrowed_str str
        deserialize_string visit_borrowed_str str
        deserialize_bytes visit_borrowed_bytes bytes
        deserialize_byte_buf visit_borrowed_bytes bytes
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0.get::<u8>()? {
            0 => visitor.visit_none(),
            1 => self.0.deeper(|state| visitor.visit_some(Unpacker(state))),
            _ => Err(DecodeError::Other("neither absent nor present")),
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
        self.0.deeper(|state| visitor.visit_enum(Unpacker(state)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(unnamed())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(unnamed())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(unnamed())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

#[cold]
fn unnamed() -> DecodeError {
    DecodeError::Other("the type asks for names, which bincode does not have")
}

impl<'de> de::EnumAccess<'de> for Unpacker<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let number: u32 = self.0.get()?;
        let number: U32Deserializer<DecodeError> = number.into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Unpacker<'_, 'de> {
    type Error = DecodeError;

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
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Unpacker(self.state)).map(Some)
    }

    #[inline]
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
    /// Memory taken from the state and not spent yet: taking it in portions is much faster.
    purse: usize,
}

/// What is taken at once.
const PORTION: usize = 4096;

impl<'s, 'de> Elements<'s, 'de> {
    #[inline]
    fn new(state: &'s mut State<'de>, left: usize) -> Self {
        // An element takes a byte at least, or no memory. Deep down, where every level may make
        // room in vain, it is little.
        let deep = state.depth < MAX_DEPTH - 16;
        let room = state.rest().min(if deep { 64 } else { usize::MAX });
        Self {
            state,
            left,
            room,
            purse: 0,
        }
    }

    #[inline]
    fn element<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value> {
        let cost = cost(size_of::<T::Value>());
        if self.purse < cost {
            self.take(cost)?;
        }
        self.purse -= cost;
        seed.deserialize(Unpacker(self.state))
    }

    #[cold]
    fn take(&mut self, cost: usize) -> Read<()> {
        let left = self
            .state
            .memory
            .checked_sub(cost)
            .ok_or(DecodeError::LimitExceeded)?;
        let more = left.min(PORTION);
        self.state.memory = left - more;
        self.purse += cost + more;
        Ok(())
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
        self.state.memory += self.purse;
        if self.left > 0 {
            return Err(DecodeError::Other("elements are left over"));
        }
        Ok(())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

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
    type Error = DecodeError;

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
