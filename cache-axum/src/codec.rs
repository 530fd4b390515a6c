//! How a stored response looks in a far tier, byte by byte.
//!
//! ```text
//!  0 status (2)        2 made (8)         10 lifetime (8)
//! 18 digest (16)      34 headers (2)
//!    per header: length of the name (2), name, length of the value (4), value
//!    the body
//! ```
//!
//! Numbers are little-endian. Nothing is encoded: names, values and body are the bytes that were
//! sent. Accidents are found by the checksum of the envelope around it.

use bytes::Bytes;
use cache_core::{Error, ErrorKind, Result, codec::Codec};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::stored::{Origin, StoredResponse, Times};

/// Responses as the bytes that they are.
#[derive(Debug, Clone, Copy)]
pub struct AsIs;

/// Among larder's own formats; see `cache_core::codec`.
const FORMAT: u8 = 5;

impl Codec<StoredResponse> for AsIs {
    const ID: u8 = FORMAT;

    fn encode(value: &StoredResponse, out: &mut Vec<u8>) -> Result<()> {
        let headers: usize = value.headers.iter().map(|(n, v)| room(n, v)).sum();
        out.reserve(36 + headers + value.body.len());
        out.extend_from_slice(&value.status.as_u16().to_le_bytes());
        out.extend_from_slice(&value.times.made.to_le_bytes());
        out.extend_from_slice(&value.times.lifetime.to_le_bytes());
        out.extend_from_slice(&value.digest.to_le_bytes());
        out.extend_from_slice(&short(value.headers.len())?);
        for (name, header) in &value.headers {
            out.extend_from_slice(&short(name.as_str().len())?);
            out.extend_from_slice(name.as_str().as_bytes());
            let len = u32::try_from(header.len()).map_err(|_| too_large())?;
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(header.as_bytes());
        }
        out.extend_from_slice(&value.body);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<StoredResponse> {
        let mut reader = Reader(bytes);
        let decoded = reader.response();
        decoded.ok_or_else(|| Error::new(ErrorKind::Codec, "reading a response: it is malformed"))
    }

    fn fingerprint() -> u64 {
        1
    }
}

fn room(name: &HeaderName, value: &HeaderValue) -> usize {
    6 + name.as_str().len() + value.len()
}

fn short(length: usize) -> Result<[u8; 2]> {
    match u16::try_from(length) {
        Ok(length) => Ok(length.to_le_bytes()),
        Err(_) => Err(too_large()),
    }
}

#[cold]
fn too_large() -> Error {
    Error::new(
        ErrorKind::Codec,
        "writing a response: its headers are too large",
    )
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn response(&mut self) -> Option<StoredResponse> {
        let status = StatusCode::from_u16(u16::from_le_bytes(self.array()?)).ok()?;
        let times = Times {
            made: u64::from_le_bytes(self.array()?),
            lifetime: u64::from_le_bytes(self.array()?),
        };
        let digest = u128::from_le_bytes(self.array()?);
        let headers = self.headers()?;
        let body = Bytes::copy_from_slice(self.0);
        let parts = (status, headers, body);
        Some(StoredResponse::known(
            parts,
            digest,
            times,
            Origin::default(),
        ))
    }

    fn headers(&mut self) -> Option<HeaderMap> {
        let count = u16::from_le_bytes(self.array()?);
        let mut headers = HeaderMap::new();
        for _ in 0..count {
            let len = u16::from_le_bytes(self.array()?);
            let name = HeaderName::from_lowercase(self.take(len.into())?).ok()?;
            let len = u32::from_le_bytes(self.array()?);
            let value = HeaderValue::from_bytes(self.take(len.try_into().ok()?)?).ok()?;
            headers.try_append(name, value).ok()?;
        }
        Some(headers)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cache_core::codec::Codec;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use proptest::prelude::*;

    use super::AsIs;
    use crate::stored::{Origin, StoredResponse, Times};

    fn stored(headers: HeaderMap, body: &[u8]) -> StoredResponse {
        let parts = (StatusCode::OK, headers, Bytes::copy_from_slice(body));
        let times = Times {
            made: 1_700_000_000_000,
            lifetime: 60_000,
        };
        StoredResponse::new(parts, times, Origin { call: 1, ended: 2 })
    }

    fn encoded(value: &StoredResponse) -> Vec<u8> {
        let mut out = Vec::new();
        AsIs::encode(value, &mut out).unwrap();
        out
    }

    #[test]
    fn these_are_the_bytes() {
        let headers = [("a", "1"), ("b", "22"), ("a", "3")].map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        let mut value = stored(map, b"body");
        value.digest = 0x0102;
        let mut golden = vec![200, 0];
        golden.extend(1_700_000_000_000_u64.to_le_bytes());
        golden.extend(60_000_u64.to_le_bytes());
        golden.extend(0x0102_u128.to_le_bytes());
        golden.extend([3, 0]);
        for (name, value) in [(b"a", &b"1"[..]), (b"a", b"3"), (b"b", b"22")] {
            golden.extend([1, 0, name[0], value.len().try_into().unwrap(), 0, 0, 0]);
            golden.extend(value);
        }
        golden.extend(b"body");
        assert_eq!(encoded(&value), golden);
    }

    #[test]
    fn nothing_but_a_whole_response_is_read() {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-a"),
            HeaderValue::from_static("1"),
        )]);
        let bytes = encoded(&stored(headers, b""));
        for len in 0..bytes.len() {
            assert!(AsIs::decode(&bytes[..len]).is_err(), "{len}");
        }
        let mut wrong_status = bytes.clone();
        wrong_status[0] = 1;
        assert!(AsIs::decode(&wrong_status).is_err());
        let mut upper_case = bytes;
        upper_case[38] = b'X';
        assert!(AsIs::decode(&upper_case).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            headers in proptest::collection::vec(("[a-z][a-z0-9-]{0,8}", "[ -~]{0,20}"), 0..12),
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let value = HeaderValue::from_str(value.trim()).unwrap();
                map.append(HeaderName::try_from(name).unwrap(), value);
            }
            let value = stored(map, &body);
            let again = AsIs::decode(&encoded(&value)).unwrap();
            let lines = |value: &StoredResponse| -> Vec<_> {
                value.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect()
            };
            prop_assert_eq!(lines(&again), lines(&value));
            prop_assert_eq!(&again.body, &value.body);
            prop_assert_eq!(again.etag(), value.etag());
            prop_assert_eq!(again.times, value.times);
            prop_assert_eq!(again.status, value.status);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = AsIs::decode(&bytes);
        }
    }
}
