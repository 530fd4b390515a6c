//! The codec of values that are bytes already.

use bytes::Bytes;

use super::{Codec, MAX_DECODED, failed, id};
use crate::error::Result;

/// Bytes as they are: for `Bytes`, `Vec<u8>` and `String`.
///
/// ```
/// use cache_core::codec::{Codec, Raw};
///
/// let mut out = Vec::new();
/// Raw::encode(&"héllo".to_owned(), &mut out)?;
/// assert_eq!(out, "héllo".as_bytes());
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Raw;

fn checked<T>(bytes: &[u8]) -> Result<&[u8]> {
    if bytes.len() > MAX_DECODED {
        return Err(failed::<T>("reading", "bytes", "there are too many"));
    }
    Ok(bytes)
}

#[diagnostic::do_not_recommend]
impl Codec<Bytes> for Raw {
    const ID: u8 = id::RAW;

    fn encode(value: &Bytes, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Bytes> {
        checked::<Bytes>(bytes).map(Bytes::copy_from_slice)
    }

    fn fingerprint() -> u64 {
        1
    }
}

#[diagnostic::do_not_recommend]
impl Codec<Vec<u8>> for Raw {
    const ID: u8 = id::RAW;

    fn encode(value: &Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>> {
        checked::<Vec<u8>>(bytes).map(<[u8]>::to_vec)
    }

    fn fingerprint() -> u64 {
        1
    }
}

#[diagnostic::do_not_recommend]
impl Codec<String> for Raw {
    const ID: u8 = id::RAW;

    fn encode(value: &String, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<String> {
        match str::from_utf8(checked::<String>(bytes)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(failed::<String>("reading", "text", error)),
        }
    }

    fn fingerprint() -> u64 {
        2
    }
}
