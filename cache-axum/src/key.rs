//! How header fields, typed headers and cookies are spelt in a key.

use cache_core::{__private::hashed, KeyPart, KeyWriter};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The field `name` of a request: the placeholder `<headers[accept-language]>`. A field that is
/// not there, one that is empty, and one with several lines all differ.
pub fn field<'h>(headers: &'h HeaderMap, name: &'static str) -> Field<'h> {
    Field(headers, HeaderName::from_static(name))
}

/// What [`field`] returns.
#[derive(Debug, Clone)]
pub struct Field<'h>(&'h HeaderMap, HeaderName);

impl KeyPart for Field<'_> {
    fn write_key(&self, key: &mut KeyWriter) {
        let mut lines = self.0.get_all(&self.1).iter().map(Line);
        let first = lines.next();
        match (&first, lines.next()) {
            (Some(first), Some(second)) => {
                let mut all = vec![first.clone(), second];
                all.extend(lines);
                key.part(&all);
            }
            _ => key.part(&first),
        }
    }
}

/// One header value: as text where it is text, every other byte as `%XX`.
#[derive(Debug, Clone)]
struct Line<'h>(&'h HeaderValue);

impl KeyPart for Line<'_> {
    fn write_key(&self, key: &mut KeyWriter) {
        let bytes = self.0.as_bytes();
        if bytes.is_empty() {
            return key.part("");
        }
        for chunk in bytes.utf8_chunks() {
            if !chunk.valid().is_empty() {
                key.part(chunk.valid());
            }
            for byte in chunk.invalid() {
                key.literal(&format!("%{byte:02X}"));
            }
        }
    }
}

/// The value of a cookie, or that there is none: the placeholder `<jar[session]>`. It says who
/// asks, so that it is never in a key in clear.
pub fn cookie(value: Option<&str>) -> impl KeyPart {
    Cookie(value.map(str::to_owned))
}

struct Cookie(Option<String>);

impl KeyPart for Cookie {
    fn write_key(&self, key: &mut KeyWriter) {
        hashed(&self.0).write_key(key);
    }
}

#[cfg(feature = "typed-header")]
pub use self::typed::{credentials, name_of, typed};

#[cfg(feature = "typed-header")]
mod typed {
    use cache_core::{__private::hashed, KeyPart, KeyWriter};
    use headers::{Header, authorization::Credentials};
    use http::{HeaderName, HeaderValue};

    use super::Line;

    /// A typed header, as the lines that it is sent as.
    pub fn typed<H: Header>(header: &H) -> impl KeyPart + use<H> {
        let mut lines = Vec::new();
        header.encode(&mut lines);
        Typed(lines)
    }

    struct Typed(Vec<HeaderValue>);

    impl KeyPart for Typed {
        fn write_key(&self, key: &mut KeyWriter) {
            let lines: Vec<_> = self.0.iter().map(Line).collect();
            key.part(&lines);
        }
    }

    /// What an `Authorization` holds. It says who asks, so that it is never in a key in clear.
    pub fn credentials<C: Credentials>(credentials: &C) -> impl KeyPart + use<C> {
        Secret(credentials.encode())
    }

    struct Secret(HeaderValue);

    impl KeyPart for Secret {
        fn write_key(&self, key: &mut KeyWriter) {
            hashed(&Line(&self.0)).write_key(key);
        }
    }

    /// The field of a typed header.
    pub fn name_of<H: Header>() -> HeaderName {
        H::name().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cache_core::{KeyPart, KeyWriter};
    use http::{HeaderMap, HeaderValue};

    use super::{cookie, field};

    fn text(part: &dyn KeyPart) -> String {
        let mut key = KeyWriter::new();
        part.write_key(&mut key);
        key.as_str().to_owned()
    }

    #[test]
    fn different_fields_are_spelt_differently() {
        let spelt = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-a", HeaderValue::from_bytes(line).unwrap());
            }
            headers.insert("x-b", HeaderValue::from_static("other"));
            text(&field(&headers, "x-a"))
        };
        let cases: [&[&[u8]]; 13] = [
            &[],
            &[b""],
            &[b"", b""],
            &[b"de"],
            &[b"de", b""],
            &[b"de", b"en"],
            &[b"(de,en,)"],
            &[b"de,en"],
            &["dé".as_bytes()],
            &[b"d\xe9"],
            &[b"d%E9"],
            &[b"%-"],
            &[b"%_"],
        ];
        let all: HashSet<_> = cases.iter().map(|lines| spelt(lines)).collect();
        assert_eq!(all.len(), cases.len(), "{all:?}");
        assert_eq!(spelt(&[b"de"]), "de");
        assert_eq!(spelt(&[]), "%-");
    }

    #[test]
    fn a_cookie_is_never_in_clear() {
        let spelt = text(&cookie(Some("secret")));
        assert!(!spelt.contains("secret"));
        assert_ne!(spelt, text(&cookie(None)));
        assert_ne!(text(&cookie(None)), text(&cookie(Some(""))));
    }
}
