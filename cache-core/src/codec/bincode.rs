//! The format without names: bincode 2, written against the schema of the type.

#![expect(
    clippy::inline_always,
    reason = "a few instructions each, which are most of what a small value takes"
)]

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Codec, ROOM,
    bincode_out::Out,
    bincode_reader, failed, id,
    limits::Purse,
    schema::{Fit, Kind, Schema, kind},
    shape::{self, Shape},
    sink::{At, Done, Frame, Group, Payload, Scalar, Sink, Stop, tell},
    verify,
};
use crate::error::Result;

/// bincode 2, the smallest and fastest format: for types whose `Deserialize` never asks what the
/// bytes say, so not for `#[serde(untagged)]`, `tag`, `flatten` or `serde_json::Value`.
///
/// An entry of another shape of the type is a miss. [`Auto`](super::Auto) uses this where it can.
///
/// ```
/// use cache_core::codec::{Bincode, Codec};
///
/// let mut out = Vec::new();
/// Bincode::encode(&(1u64, "two".to_owned()), &mut out)?;
/// assert_eq!(out, b"\x01\x03two");
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Bincode;

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Bincode {
    const ID: u8 = id::BINCODE;

    fn encode(value: &T, out: &mut Vec<u8>) -> Result<()> {
        encode(shape::of::<T>(), value, out)
    }

    fn decode(bytes: &[u8]) -> Result<T> {
        decode(bytes)
    }

    fn fingerprint() -> u64 {
        shape::of::<T>().fingerprint
    }
}

/// The name in messages.
const FORMAT: &str = "bincode";

/// Appends `value`, which is read back if anything about it is doubtful.
pub(super) fn encode<T>(shape: &'static Shape, value: &T, out: &mut Vec<u8>) -> Result<()>
where
    T: Serialize + DeserializeOwned,
{
    if !shape.positional() {
        return Err(failed::<T>("writing", FORMAT, Stop::Shape));
    }
    out.reserve(ROOM);
    let start = out.len();
    let mut packer = Packer {
        out: Out(out),
        schema: &shape.schema,
        memory: Purse::FOR_WRITERS,
        doubt: false,
    };
    let told = tell(value, shape.schema.root, &mut packer);
    let doubt = packer.doubt;
    told.map_err(|stop| failed::<T>("writing", FORMAT, stop))?;
    if doubt || shape.sample() {
        let read_back = verify::reads_back(value, &out[start..], FORMAT, decode_twice::<T>);
        read_back.inspect_err(|_| shape.distrust())?;
    }
    Ok(())
}

/// Reads what was just written by the format's own crate as well, so that the reader which checks
/// the writer is not of the same hand.
fn decode_twice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let whole = bincode::serde::decode_from_slice::<T, _>(bytes, bincode::config::standard());
    match whole {
        Ok((_, read)) if read == bytes.len() => decode(bytes),
        Ok(_) => Err(failed::<T>(
            "writing",
            FORMAT,
            "it would not be read to its end",
        )),
        Err(_) => Err(failed::<T>(
            "writing",
            FORMAT,
            "its own crate does not read it",
        )),
    }
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    bincode_reader::read(bytes).map_err(|error| failed::<T>("reading", FORMAT, error))
}

struct Packer<'o> {
    out: Out<'o>,
    schema: &'static Schema,
    /// What elements may still take when they are read; less than a reader is allowed.
    memory: usize,
    doubt: bool,
}

impl Packer<'_> {
    #[inline(always)]
    fn leaf(&mut self, at: At, kind: Kind) -> Done {
        self.must(Schema::leaf(at, kind))
    }

    #[inline(always)]
    fn must<T>(&mut self, fit: Fit<T>) -> Done<T> {
        match fit {
            Fit::Sure(fit) => Ok(fit),
            Fit::Doubtful(fit) => {
                self.doubt = true;
                Ok(fit)
            }
            Fit::No => Err(Stop::Shape),
        }
    }
}

impl Sink for Packer<'_> {
    // Always, so that only the arm remains that the caller means.
    #[inline(always)]
    fn scalar(&mut self, at: At, scalar: Scalar<'_>) -> Done {
        self.leaf(at, kind(scalar))?;
        match scalar {
            Scalar::Unit | Scalar::UnitStruct => {}
            Scalar::Bool(value) => self.out.byte(value.into()),
            Scalar::I8(value) => self.out.byte(value.cast_unsigned()),
            Scalar::I16(value) => self.out.signed(value.into()),
            Scalar::I32(value) => self.out.signed(value.into()),
            Scalar::I64(value) => self.out.signed(value),
            Scalar::I128(value) => self.out.wide_signed(value),
            Scalar::U8(value) => self.out.byte(value),
            Scalar::U16(value) => self.out.unsigned(value.into()),
            Scalar::U32(value) => self.out.unsigned(value.into()),
            Scalar::U64(value) => self.out.unsigned(value),
            Scalar::U128(value) => self.out.wide(value),
            Scalar::F32(value) => self.out.bytes(&value.to_le_bytes()),
            Scalar::F64(value) => self.out.bytes(&value.to_le_bytes()),
            Scalar::Char(value) => self.out.bytes(value.encode_utf8(&mut [0; 4]).as_bytes()),
            Scalar::Str(value) => self.out.text(value.as_bytes()),
            Scalar::Bytes(value) => self.out.text(value),
        }
        Ok(())
    }

    #[inline(always)]
    fn none(&mut self, at: At) -> Done {
        self.must(self.schema.none(at))?;
        self.out.byte(0);
        Ok(())
    }

    #[inline(always)]
    fn some(&mut self, at: At) -> Done<At> {
        // There is a mark for presence, so nothing is doubtful about a `Some` in a `Some`.
        match self.schema.some(at) {
            Fit::Sure(inner) | Fit::Doubtful(inner) => {
                self.out.byte(1);
                Ok(inner)
            }
            Fit::No => Err(Stop::Shape),
        }
    }

    #[inline(always)]
    fn variant(&mut self, at: At, index: u32, name: &'static str, payload: Payload) -> Done<At> {
        let inner = self.must(self.schema.variant(at, index, name, payload))?;
        self.out.unsigned(index.into());
        Ok(inner)
    }

    #[inline(always)]
    fn open(&mut self, at: At, group: Group) -> Done<Frame> {
        let frame = self.must(self.schema.open(at, group))?;
        match group {
            Group::Seq(Some(len)) | Group::Map(Some(len)) => {
                let left = self.memory.checked_sub(self.schema.cost(at, group));
                self.memory = left.ok_or(Stop::Size)?;
                self.out.unsigned(len as u64);
            }
            Group::Seq(None) | Group::Map(None) => return Err(Stop::Shape),
            Group::Tuple(_) | Group::Struct(_) => {}
        }
        Ok(frame)
    }

    #[inline(always)]
    fn item(&mut self, frame: &mut Frame, name: Option<&'static str>) -> Done<At> {
        self.must(self.schema.item(frame, name))
    }

    #[inline(always)]
    fn close(&mut self, frame: Frame) -> Done {
        self.must(Schema::close(&frame))
    }
}
