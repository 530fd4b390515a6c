//! The format without names: bincode 2, written against the schema of the type.

use bincode::{
    config::{self, Configuration},
    enc::{Encode, EncoderImpl, write::Writer},
    error::{DecodeError, EncodeError},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Codec, OWN_DESERIALIZE, ROOM, bincode_reader, failed, id,
    limits::Purse,
    schema::{Fit, Kind, Schema},
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
pub(super) fn encode<T>(shape: &Shape, value: &T, out: &mut Vec<u8>) -> Result<()>
where
    T: Serialize + DeserializeOwned,
{
    if !shape.positional() {
        return Err(failed::<T>("writing", FORMAT, Stop::Shape));
    }
    out.reserve(ROOM);
    let start = out.len();
    let mut packer = Packer {
        encoder: EncoderImpl::new(Out(out), config::standard()),
        schema: &shape.schema,
        memory: Purse::FOR_WRITERS,
        doubt: false,
    };
    let told = tell(value, shape.schema.root, &mut packer);
    let doubt = packer.doubt;
    told.map_err(|stop| failed::<T>("writing", FORMAT, stop))?;
    if doubt || shape.sample() {
        let read_back = verify::reads_back(value, &out[start..], FORMAT, decode::<T>);
        read_back.inspect_err(|_| shape.distrust())?;
    }
    Ok(())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    bincode_reader::read(bytes).map_err(|error| match error {
        DecodeError::OtherString(_) => failed::<T>("reading", FORMAT, OWN_DESERIALIZE),
        error => failed::<T>("reading", FORMAT, error),
    })
}

struct Out<'o>(&'o mut Vec<u8>);

impl Writer for Out<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

struct Packer<'o> {
    encoder: EncoderImpl<Out<'o>, Configuration>,
    schema: &'o Schema,
    /// What elements may still take when they are read; less than a reader is allowed.
    memory: usize,
    doubt: bool,
}

impl Packer<'_> {
    #[inline]
    fn put(&mut self, value: impl Encode) -> Done {
        value.encode(&mut self.encoder).map_err(|_| Stop::Size)
    }

    #[inline]
    fn leaf(&mut self, at: At, kind: Kind, value: impl Encode) -> Done {
        self.must(Schema::leaf(at, kind))?;
        self.put(value)
    }

    #[inline]
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
    #[inline]
    fn scalar(&mut self, at: At, scalar: Scalar<'_>) -> Done {
        match scalar {
            Scalar::Unit | Scalar::UnitStruct => self.leaf(at, Kind::Unit, ()),
            Scalar::Bool(value) => self.leaf(at, Kind::Bool, value),
            Scalar::I8(value) => self.leaf(at, Kind::I8, value),
            Scalar::I16(value) => self.leaf(at, Kind::I16, value),
            Scalar::I32(value) => self.leaf(at, Kind::I32, value),
            Scalar::I64(value) => self.leaf(at, Kind::I64, value),
            Scalar::I128(value) => self.leaf(at, Kind::I128, value),
            Scalar::U8(value) => self.leaf(at, Kind::U8, value),
            Scalar::U16(value) => self.leaf(at, Kind::U16, value),
            Scalar::U32(value) => self.leaf(at, Kind::U32, value),
            Scalar::U64(value) => self.leaf(at, Kind::U64, value),
            Scalar::U128(value) => self.leaf(at, Kind::U128, value),
            Scalar::F32(value) => self.leaf(at, Kind::F32, value),
            Scalar::F64(value) => self.leaf(at, Kind::F64, value),
            Scalar::Char(value) => self.leaf(at, Kind::Char, value),
            Scalar::Str(value) => self.leaf(at, Kind::Str, value),
            Scalar::Bytes(value) => self.leaf(at, Kind::Bytes, value),
        }
    }

    #[inline]
    fn none(&mut self, at: At) -> Done {
        self.must(self.schema.none(at))?;
        self.put(0u8)
    }

    #[inline]
    fn some(&mut self, at: At) -> Done<At> {
        // There is a mark for presence, so nothing is doubtful about a `Some` in a `Some`.
        match self.schema.some(at) {
            Fit::Sure(inner) | Fit::Doubtful(inner) => self.put(1u8).map(|()| inner),
            Fit::No => Err(Stop::Shape),
        }
    }

    #[inline]
    fn variant(&mut self, at: At, index: u32, name: &'static str, payload: Payload) -> Done<At> {
        let inner = self.must(self.schema.variant(at, index, name, payload))?;
        self.put(index)?;
        Ok(inner)
    }

    #[inline]
    fn open(&mut self, at: At, group: Group) -> Done<Frame> {
        let piece = self.must(self.schema.open(at, group))?;
        let left = self.memory.checked_sub(Schema::cost(piece, group));
        self.memory = left.ok_or(Stop::Size)?;
        match group {
            Group::Seq(Some(len)) | Group::Map(Some(len)) => self.put(len as u64)?,
            Group::Seq(None) | Group::Map(None) => return Err(Stop::Shape),
            Group::Tuple(_) | Group::Struct(_) => {}
        }
        Ok(Frame::new(group, piece))
    }

    #[inline]
    fn item(&mut self, frame: &mut Frame, name: Option<&'static str>) -> Done<At> {
        let inner = self.must(self.schema.item(frame, name))?;
        frame.index += 1;
        Ok(inner)
    }

    #[inline]
    fn close(&mut self, frame: Frame) -> Done {
        self.must(Schema::close(&frame))
    }
}
