//! The format with names: `MessagePack`, as `rmp-serde` writes it with struct maps.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Codec, ROOM, failed, id,
    limits::Purse,
    marker, msgpack_reader,
    schema::{Fit, Schema, kind},
    shape::{self, Shape},
    sink::{At, Done, Frame, Group, Payload, Scalar, Sink, Stop, tell},
    verify,
};
use crate::error::Result;

/// `MessagePack` with field names: for any type, at about twice the bytes and the time of
/// [`Bincode`](super::Bincode), and readable in other languages.
///
/// It has no mark for presence, so `Some(None)` and `Some(())` cannot be told from `None`; such
/// a value is refused.
///
/// ```
/// use cache_core::codec::{Codec, MsgPack};
///
/// let mut out = Vec::new();
/// MsgPack::encode(&(1u64, "two".to_owned()), &mut out)?;
/// assert_eq!(out, b"\x92\x01\xa3two");
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MsgPack;

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for MsgPack {
    const ID: u8 = id::MSGPACK;

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
const FORMAT: &str = "msgpack";

/// Appends `value`, which is read back if anything about it is doubtful.
pub(super) fn encode<T>(shape: &'static Shape, value: &T, out: &mut Vec<u8>) -> Result<()>
where
    T: Serialize + DeserializeOwned,
{
    out.reserve(ROOM);
    let start = out.len();
    let mut writer = Writer {
        out,
        schema: &shape.schema,
        memory: Purse::FOR_WRITERS,
        doubt: false,
    };
    let told = tell::<T, dyn Sink>(value, shape.schema.root, &mut writer);
    let doubt = writer.doubt;
    told.map_err(|stop| failed::<T>("writing", FORMAT, stop))?;
    if doubt || shape.sample() {
        verify::reads_back(value, &out[start..], FORMAT, decode::<T>)?;
    }
    Ok(())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    msgpack_reader::read(bytes).map_err(|error| failed::<T>("reading", FORMAT, error))
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    schema: &'static Schema,
    /// What elements may still take when they are read; less than a reader is allowed.
    memory: usize,
    doubt: bool,
}

/// Lengths beyond 32 bits cannot be written.
fn len(len: usize) -> Done<u32> {
    u32::try_from(len).map_err(|_| Stop::Size)
}

impl Writer<'_> {
    /// Whatever does not fit is doubtful here, not wrong: the names may make up for it.
    fn known<T>(&mut self, fit: Fit<T>, unknown: T) -> T {
        match fit {
            Fit::Sure(known) => known,
            Fit::Doubtful(known) => {
                self.doubt = true;
                known
            }
            Fit::No => {
                self.doubt = true;
                unknown
            }
        }
    }

    fn may(&mut self, fit: Fit) {
        self.known(fit, ());
    }

    fn place(&mut self, fit: Fit<At>) -> At {
        self.known(fit, Schema::NOWHERE)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Done {
        marker::BIN.write(self.out, len(bytes.len())?);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn str(&mut self, text: &str) -> Done {
        marker::STR.write(self.out, len(text.len())?);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn value(&mut self, scalar: Scalar<'_>) -> Done {
        match scalar {
            Scalar::Unit => marker::nil(self.out),
            Scalar::UnitStruct => marker::ARRAY.write(self.out, 0),
            Scalar::Bool(value) => marker::bool(self.out, value),
            Scalar::I8(value) => marker::sint(self.out, value.into()),
            Scalar::I16(value) => marker::sint(self.out, value.into()),
            Scalar::I32(value) => marker::sint(self.out, value.into()),
            Scalar::I64(value) => marker::sint(self.out, value),
            Scalar::I128(value) => return self.bytes(&value.to_be_bytes()),
            Scalar::U8(value) => marker::uint(self.out, value.into()),
            Scalar::U16(value) => marker::uint(self.out, value.into()),
            Scalar::U32(value) => marker::uint(self.out, value.into()),
            Scalar::U64(value) => marker::uint(self.out, value),
            Scalar::U128(value) => return self.bytes(&value.to_be_bytes()),
            Scalar::F32(value) => marker::f32(self.out, value),
            Scalar::F64(value) => marker::f64(self.out, value),
            Scalar::Char(value) => return self.str(value.encode_utf8(&mut [0; 4])),
            Scalar::Str(value) => return self.str(value),
            Scalar::Bytes(value) => return self.bytes(value),
        }
        Ok(())
    }

    /// Puts the number of items before them, once it is known.
    fn header(&mut self, frame: &Frame) {
        let mut header = Vec::with_capacity(5);
        if matches!(frame.group, Group::Map(_)) {
            marker::MAP.write(&mut header, frame.index / 2);
        } else {
            marker::ARRAY.write(&mut header, frame.index);
        }
        self.out.splice(frame.start..frame.start, header);
    }
}

impl Sink for Writer<'_> {
    fn scalar(&mut self, at: At, scalar: Scalar<'_>) -> Done {
        self.may(Schema::leaf(at, kind(scalar)));
        self.value(scalar)
    }

    fn none(&mut self, at: At) -> Done {
        self.may(self.schema.none(at));
        marker::nil(self.out);
        Ok(())
    }

    fn some(&mut self, at: At) -> Done<At> {
        Ok(self.place(self.schema.some(at)))
    }

    fn variant(&mut self, at: At, index: u32, name: &'static str, payload: Payload) -> Done<At> {
        let inner = self.place(self.schema.variant(at, index, name, payload));
        if payload != Payload::Unit {
            marker::MAP.write(self.out, 1);
        }
        self.str(name)?;
        Ok(inner)
    }

    fn open(&mut self, at: At, group: Group) -> Done<Frame> {
        let mut frame = self.known(self.schema.open(at, group), Frame::unknown(group));
        let left = self.memory.checked_sub(self.schema.cost(frame.at, group));
        self.memory = left.ok_or(Stop::Size)?;
        frame.start = self.out.len();
        match group {
            Group::Seq(None) | Group::Map(None) => {
                // What it costs to read is not known yet.
                self.doubt = true;
            }
            Group::Seq(Some(n)) | Group::Tuple(n) => marker::ARRAY.write(self.out, len(n)?),
            Group::Map(Some(n)) | Group::Struct(n) => marker::MAP.write(self.out, len(n)?),
        }
        Ok(frame)
    }

    fn item(&mut self, frame: &mut Frame, name: Option<&'static str>) -> Done<At> {
        let inner = self.place(self.schema.item(frame, name));
        if let Some(name) = name {
            self.str(name)?;
        }
        Ok(inner)
    }

    fn close(&mut self, frame: Frame) -> Done {
        self.may(Schema::close(&frame));
        if let Group::Seq(None) | Group::Map(None) = frame.group {
            self.header(&frame);
        }
        Ok(())
    }
}
