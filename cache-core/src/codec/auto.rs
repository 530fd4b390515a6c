//! The choice between the formats, made for each type when it is first used and checked for each
//! value.

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, bincode, failed, foreign, id, msgpack, shape};
use crate::error::Result;

/// Bincode where that is safe, else `MessagePack` with field names: the default.
///
/// When a type is first used, its `Deserialize` is traced with made-up values. That gives a
/// fingerprint of its shape, so that an entry of another shape is a miss, and says whether it
/// ever asks what the bytes are (`untagged`, `tag`, `flatten`, `serde_json::Value`), which
/// bincode cannot tell it. A value that leaves out a field, or that is not what its type asks
/// for, goes to `MessagePack` too. What neither format reads back the same is refused with an
/// error that names the type; nothing else is ever stored.
///
/// By itself it puts the number of the format before the bytes; in an entry of the cache that
/// number has a place of its own.
///
/// ```
/// use cache_core::codec::{Auto, Bincode, Codec};
///
/// let mut out = Vec::new();
/// assert_eq!(Auto::encode_as(&(1u64, 2u64), &mut out)?, <Bincode as Codec<(u64, u64)>>::ID);
/// assert_eq!(out, [1, 2]);
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Auto;

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Auto {
    const ID: u8 = id::AUTO;

    fn encode(value: &T, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.push(0);
        out[start] = Self::encode_as(value, out)?;
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<T> {
        match bytes {
            [format, bytes @ ..] => Self::decode_as(*format, bytes),
            [] => Err(failed::<T>("reading", "a value", "there is nothing")),
        }
    }

    fn fingerprint() -> u64 {
        shape::of::<T>().fingerprint
    }

    fn encode_as(value: &T, out: &mut Vec<u8>) -> Result<u8> {
        let shape = shape::of::<T>();
        let start = out.len();
        if shape.positional() {
            if bincode::encode(shape, value, out).is_ok() {
                return Ok(id::BINCODE);
            }
            out.truncate(start);
        }
        msgpack::encode(shape, value, out).map(|()| id::MSGPACK)
    }

    fn decode_as(format: u8, bytes: &[u8]) -> Result<T> {
        match format {
            id::BINCODE => bincode::decode(bytes),
            id::MSGPACK => msgpack::decode(bytes),
            other => Err(foreign(other)),
        }
    }
}
