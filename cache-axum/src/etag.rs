//! How a stored response is tagged, and whether a client has it already.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, IF_NONE_MATCH},
};
use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

use crate::control::elements;

/// 128 bits of a representation: of its bytes, and of what says how they are to be read.
pub(crate) fn digest(headers: &HeaderMap, body: &[u8]) -> u128 {
    let mut metadata = Xxh3::new();
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
        for value in headers.get_all(name) {
            metadata.update(&value.len().to_le_bytes());
            metadata.update(value.as_bytes());
        }
        metadata.update(b"\n");
    }
    xxh3_128_with_seed(body, metadata.digest())
}

/// The strong entity tag of a digest: 32 hexadecimal digits in quotes.
pub(crate) fn strong(digest: u128) -> HeaderValue {
    let text = Bytes::from(format!("\"{digest:032x}\""));
    HeaderValue::from_maybe_shared(text).expect("digits and quotes are a header value")
}

/// The weak form of a tag, for bytes that are no longer those which were stored.
pub(crate) fn weak(tag: &HeaderValue) -> HeaderValue {
    if tag.as_bytes().starts_with(b"W/") {
        return tag.clone();
    }
    let text = [b"W/", tag.as_bytes()].concat();
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("a prefix of letters spoils nothing")
}

/// Whether one of the tags in `If-None-Match` is `tag`: by the weak comparison of RFC 9110
/// §8.8.3.2. A `*` stands for whatever there is.
pub(crate) fn none_match_finds(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Some(tag) = opaque(tag.to_str().unwrap_or_default()) else {
        return false;
    };
    elements(headers, &IF_NONE_MATCH)
        .flatten()
        .any(|wanted| wanted == "*" || opaque(wanted) == Some(tag))
}

/// The part of a tag that is compared, if it is one.
fn opaque(tag: &str) -> Option<&str> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use http::{
        HeaderMap, HeaderValue,
        header::{CONTENT_TYPE, IF_NONE_MATCH},
    };

    use super::{digest, none_match_finds, strong, weak};

    fn finds(lines: &[&str], tag: &str) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_NONE_MATCH, HeaderValue::from_str(line).unwrap());
        }
        none_match_finds(&headers, &HeaderValue::from_str(tag).unwrap())
    }

    #[test]
    fn a_client_has_a_response_if_one_of_its_tags_is_the_same_weakly() {
        for (lines, tag, found) in [
            (&["\"a\""][..], "\"a\"", true),
            (&["W/\"a\""], "\"a\"", true),
            (&["\"a\""], "W/\"a\"", true),
            (&["W/\"a\""], "W/\"a\"", true),
            (&["\"x\", W/\"y\" ,\"a\""], "\"a\"", true),
            (&["\"x\"", "\"a\""], "\"a\"", true),
            (&["\"x,a\",\"a\""], "\"a\"", true),
            (&["*"], "\"a\"", true),
            (&[" * "], "\"a\"", true),
            (&["\"x,a\""], "\"a\"", false),
            (&["\"b\""], "\"a\"", false),
            (&["\"A\""], "\"a\"", false),
            (&["a"], "\"a\"", false),
            (&["w/\"a\""], "\"a\"", false),
            (&["\"*\""], "\"a\"", false),
            (&["\""], "\"a\"", false),
            (&[""], "\"a\"", false),
            (&[], "\"a\"", false),
        ] {
            assert_eq!(finds(lines, tag), found, "{lines:?} {tag}");
        }
    }

    #[test]
    fn a_tag_stands_for_the_bytes_and_how_they_are_read() {
        let headers = |kind| HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let json = digest(&headers("application/json"), b"1");
        assert_eq!(json, digest(&headers("application/json"), b"1"));
        assert_ne!(json, digest(&headers("text/plain"), b"1"));
        assert_ne!(json, digest(&headers("application/json"), b"2"));
        assert_eq!(strong(0xab), "\"000000000000000000000000000000ab\"");
        assert_eq!(weak(&strong(1)), weak(&weak(&strong(1))));
    }
}
