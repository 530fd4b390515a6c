//! Turns what serde says about a value into plain calls, so that one adapter serves every format.
//!
//! A user's `Serialize` is compiled for each sink type it is told to. The fast path names its
//! sink; the others share `dyn Sink`.

#![expect(
    clippy::inline_always,
    reason = "a few instructions each, which are most of what a small value takes"
)]

use std::fmt;

use serde::ser::{self, Serialize};

use super::{
    MAX_DEPTH, OWN_SERIALIZE,
    schema::{Part, Schema},
};

/// Where in the expected shape a value stands; see [`Schema`](super::schema::Schema).
pub(super) type At = u32;

/// What a value is that holds no other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Unit,
    UnitStruct,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(&'a str),
    Bytes(&'a [u8]),
}

/// What a value is that holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// So many elements, if known.
    Seq(Option<usize>),
    /// So many pairs, if known.
    Map(Option<usize>),
    Tuple(usize),
    Struct(usize),
}

/// What an enum variant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Unit,
    Newtype,
    Tuple,
    Struct,
}

/// A group that is being written. The last three are for the sink's own use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) group: Group,
    /// Where it stands in the expected shape.
    pub(super) at: At,
    /// What is expected of elements, or of keys and values in turns.
    pub(super) each: [At; 2],
    /// What is expected of fields that did not come yet.
    pub(super) rest: &'static [Part],
    /// Items begun so far; a key and its value are two.
    pub(super) index: u32,
    /// Where it starts in the bytes.
    pub(super) start: usize,
    /// The hash of all before it.
    pub(super) hash: u64,
    /// The sum of the hashes of its items.
    pub(super) sum: u64,
}

impl Frame {
    #[inline]
    pub(super) fn new(group: Group, at: At, each: [At; 2], rest: &'static [Part]) -> Self {
        Self {
            group,
            at,
            each,
            rest,
            index: 0,
            start: 0,
            hash: 0,
            sum: 0,
        }
    }

    /// One of which nothing is expected.
    pub(super) fn unknown(group: Group) -> Self {
        Self::new(group, Schema::NOWHERE, [Schema::NOWHERE; 2], &[])
    }
}

/// Why a value was not written.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is not what its `Deserialize` asks for.
    Shape,
    Depth,
    Size,
    /// Its `Serialize` says so.
    Own,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => f.write_str(
                "what `Serialize` writes is not what `Deserialize` reads, or a field is left out, \
                 or the type needs a format with names",
            ),
            Self::Depth => write!(f, "it is nested deeper than {MAX_DEPTH}"),
            Self::Size => f.write_str("it has more elements than would be read back"),
            Self::Own => f.write_str(OWN_SERIALIZE),
        }
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Own
    }
}

pub(super) type Done<T = ()> = Result<T, Stop>;

/// Who is told what a value consists of, in order.
pub(super) trait Sink {
    fn scalar(&mut self, at: At, scalar: Scalar<'_>) -> Done;
    fn none(&mut self, at: At) -> Done;
    /// Something follows, at the returned place.
    fn some(&mut self, at: At) -> Done<At>;
    /// A variant's name; its payload, if any, follows at the returned place.
    fn variant(&mut self, at: At, index: u32, name: &'static str, payload: Payload) -> Done<At>;
    fn open(&mut self, at: At, group: Group) -> Done<Frame>;
    /// The next item follows, at the returned place.
    fn item(&mut self, frame: &mut Frame, name: Option<&'static str>) -> Done<At>;
    fn close(&mut self, frame: Frame) -> Done;
}

/// Tells `sink` what `value` consists of, down to [`MAX_DEPTH`].
#[inline]
pub(super) fn tell<T: Serialize, S: Sink + ?Sized>(value: &T, at: At, sink: &mut S) -> Done {
    value.serialize(Teller {
        sink,
        at,
        depth: MAX_DEPTH,
    })
}

struct Teller<'s, S: ?Sized> {
    sink: &'s mut S,
    at: At,
    /// How much deeper it may go.
    depth: u16,
}

impl<'s, S: Sink + ?Sized> Teller<'s, S> {
    #[inline(always)]
    fn scalar(self, scalar: Scalar<'_>) -> Done {
        self.sink.scalar(self.at, scalar)
    }

    #[inline(always)]
    fn deeper(&self) -> Done<u16> {
        self.depth.checked_sub(1).ok_or(Stop::Depth)
    }

    #[inline(always)]
    fn open(self, group: Group) -> Done<Items<'s, S>> {
        let depth = self.deeper()?;
        let frame = self.sink.open(self.at, group)?;
        Ok(Items {
            sink: self.sink,
            frame,
            depth,
        })
    }

    #[inline(always)]
    fn variant(self, index: u32, name: &'static str, payload: Payload) -> Done<Self> {
        let depth = self.deeper()?;
        let at = self.sink.variant(self.at, index, name, payload)?;
        Ok(Self { at, depth, ..self })
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) $scalar:ident)*) => { $(
        #[inline(always)]
        fn $method(self, value: $type) -> Done {
            self.scalar(Scalar::$scalar(value))
        }
    )* };
}

impl<'s, S: Sink + ?Sized> ser::Serializer for Teller<'s, S> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Items<'s, S>;
    type SerializeTuple = Items<'s, S>;
    type SerializeTupleStruct = Items<'s, S>;
    type SerializeTupleVariant = Items<'s, S>;
    type SerializeMap = Items<'s, S>;
    type SerializeStruct = Items<'s, S>;
    type SerializeStructVariant = Items<'s, S>;

    scalars! {
        serialize_bool(bool) Bool
        serialize_i8(i8) I8
        serialize_i16(i16) I16
        serialize_i32(i32) I32
        serialize_i64(i64) I64
        serialize_i128(i128) I128
        serialize_u8(u8) U8
        serialize_u16(u16) U16
        serialize_u32(u32) U32
        serialize_u64(u64) U64
        serialize_u128(u128) U128
        serialize_f32(f32) F32
        serialize_f64(f64) F64
        serialize_char(char) Char
        serialize_str(&str) Str
        serialize_bytes(&[u8]) Bytes
    }

    #[inline(always)]
    fn serialize_unit(self) -> Done {
        self.scalar(Scalar::Unit)
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.scalar(Scalar::UnitStruct)
    }

    #[inline(always)]
    fn serialize_none(self) -> Done {
        self.sink.none(self.at)
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        let depth = self.deeper()?;
        let at = self.sink.some(self.at)?;
        value.serialize(Self { at, depth, ..self })
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit_variant(self, _: &'static str, index: u32, name: &'static str) -> Done {
        self.variant(index, name, Payload::Unit).map(drop)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self.variant(index, name, Payload::Newtype)?)
    }

    #[inline(always)]
    fn serialize_seq(self, len: Option<usize>) -> Done<Items<'s, S>> {
        self.open(Group::Seq(len))
    }

    #[inline(always)]
    fn serialize_tuple(self, len: usize) -> Done<Items<'s, S>> {
        self.open(Group::Tuple(len))
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Done<Items<'s, S>> {
        self.open(Group::Tuple(len))
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        len: usize,
    ) -> Done<Items<'s, S>> {
        self.variant(index, name, Payload::Tuple)?
            .open(Group::Tuple(len))
    }

    #[inline(always)]
    fn serialize_map(self, len: Option<usize>) -> Done<Items<'s, S>> {
        self.open(Group::Map(len))
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, len: usize) -> Done<Items<'s, S>> {
        self.open(Group::Struct(len))
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        name: &'static str,
        len: usize,
    ) -> Done<Items<'s, S>> {
        self.variant(index, name, Payload::Struct)?
            .open(Group::Struct(len))
    }

    #[inline(always)]
    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Items<'s, S: ?Sized> {
    sink: &'s mut S,
    frame: Frame,
    depth: u16,
}

impl<S: Sink + ?Sized> Items<'_, S> {
    #[inline(always)]
    fn item<T: Serialize + ?Sized>(&mut self, name: Option<&'static str>, value: &T) -> Done {
        let at = self.sink.item(&mut self.frame, name)?;
        value.serialize(Teller {
            sink: &mut *self.sink,
            at,
            depth: self.depth,
        })
    }

    #[inline(always)]
    fn close(self) -> Done {
        self.sink.close(self.frame)
    }
}

macro_rules! items {
    ($($trait:ident $method:ident)*) => { $(
        impl<S: Sink + ?Sized> ser::$trait for Items<'_, S> {
            type Ok = ();
            type Error = Stop;

            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.item(None, value)
            }

            #[inline(always)]
            fn end(self) -> Done {
                self.close()
            }
        }
    )* };
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => { $(
        impl<S: Sink + ?Sized> ser::$trait for Items<'_, S> {
            type Ok = ();
            type Error = Stop;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Done {
                self.item(Some(name), value)
            }

            #[inline(always)]
            fn end(self) -> Done {
                self.close()
            }
        }
    )* };
}

fields!(SerializeStruct SerializeStructVariant);

impl<S: Sink + ?Sized> ser::SerializeMap for Items<'_, S> {
    type Ok = ();
    type Error = Stop;

    #[inline(always)]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.item(None, key)
    }

    #[inline(always)]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(None, value)
    }

    #[inline(always)]
    fn end(self) -> Done {
        self.close()
    }
}
