//! The format for eyes.

use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    Codec, MAX_DECODED, OWN_DESERIALIZE, OWN_SERIALIZE,
    bounded::{self, Bound},
    digest::digest,
    failed, id, shape,
    sink::Stop,
    verify,
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
        let mut source = serde_json::Deserializer::from_slice(bytes);
        let read = bounded::read(bytes.len(), &mut source);
        let whole = read.and_then(|value| source.end().map(|()| value).map_err(|_| Bound::None));
        whole.map_err(|bound| failed::<T>("reading", FORMAT, why(bound, bytes)))
    }

    fn fingerprint() -> u64 {
        shape::of::<T>().fingerprint
    }
}

/// Why bytes are no value, in words that do not quote them.
fn why(bound: Bound, bytes: &[u8]) -> String {
    match bound {
        Bound::Memory => "it would take too much memory".to_owned(),
        Bound::Time => "it takes too long".to_owned(),
        Bound::None => match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(IgnoredAny) => OWN_DESERIALIZE.to_owned(),
            Err(error) => format!(
                "it is no JSON from line {}, column {} on",
                error.line(),
                error.column()
            ),
        },
    }
}
