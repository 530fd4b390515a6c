//! The format for eyes.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::{
    Codec, MAX_DECODED, OWN_DESERIALIZE, OWN_SERIALIZE, digest::digest, failed, id, shape,
    sink::Stop, verify,
};
use crate::error::Result;

/// JSON, to look into a store: the largest format. Every value is read back before it is
/// stored, because JSON cannot hold all of them (`NaN`, `Some(None)`, maps with other keys than
/// strings); such a value is refused.
///
/// ```
/// use cache_core::codec::{Codec, Json};
///
/// let mut out = Vec::new();
/// Json::encode(&(1u64, "two".to_owned()), &mut out)?;
/// assert_eq!(out, br#"[1,"two"]"#);
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Json;

/// The name in messages.
const FORMAT: &str = "json";

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Json {
    const ID: u8 = id::JSON;

    fn encode(value: &T, out: &mut Vec<u8>) -> Result<()> {
        // The depth is checked first, since the writer of JSON has no limit.
        digest(value).map_err(|stop| failed::<T>("writing", FORMAT, stop))?;
        let start = out.len();
        serde_json::to_writer(&mut *out, value)
            .map_err(|_| failed::<T>("writing", FORMAT, OWN_SERIALIZE))?;
        verify::reads_back(value, &out[start..], FORMAT, Self::decode)
    }

    fn decode(bytes: &[u8]) -> Result<T> {
        if bytes.len() > MAX_DECODED {
            return Err(failed::<T>("reading", FORMAT, "there are too many bytes"));
        }
        if shape::of::<T>().endless {
            return Err(failed::<T>("reading", FORMAT, Stop::Depth));
        }
        serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let what = match error.classify() {
                Category::Data => OWN_DESERIALIZE,
                Category::Eof => "bytes are missing",
                Category::Io | Category::Syntax => "it is not JSON",
            };
            let why = format!("at line {line}, column {column}: {what}");
            failed::<T>("reading", FORMAT, why)
        })
    }

    fn fingerprint() -> u64 {
        shape::of::<T>().fingerprint
    }
}
