//! A url taken apart and put together again, as far as settings have something to say to it.

use std::{borrow::Cow, fmt};

/// `scheme://user@hosts/path?tail`. All parts are as they are written, so that what is put together
/// is what was taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: Cow<'a, str>,
    /// Name and password, escaped, with the `:` between them.
    pub(super) user: Option<Cow<'a, str>>,
    /// Hosts and their ports, with commas between them; of a socket's url nothing.
    pub(super) hosts: Cow<'a, str>,
    /// Empty, or from its `/` on.
    pub(super) path: Cow<'a, str>,
    /// Empty, or from `?` or `#` on.
    pub(super) tail: Cow<'a, str>,
}

impl<'a> Url<'a> {
    /// The parts of a url; nothing of what is no url.
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        Some(Self {
            scheme: scheme.into(),
            user: user.map(Cow::from),
            hosts: hosts.into(),
            path: path.into(),
            tail: tail.into(),
        })
    }

    /// The scheme without what it says of the topology.
    pub(super) fn protocol(&self) -> &str {
        self.scheme.split('+').next().unwrap_or_default()
    }

    /// What the scheme says of the topology: `sentinel`, `cluster`, or nothing.
    pub(super) fn topology(&self) -> &str {
        match self.scheme.split_once('+') {
            Some((_, topology @ ("sentinel" | "cluster"))) => topology,
            _ => "",
        }
    }

    /// Whether it is the path of a socket.
    pub(super) fn is_socket(&self) -> bool {
        self.scheme.split('+').any(|part| part == "unix")
    }

    /// The segments of the path that are not empty.
    pub(super) fn segments(&self) -> Vec<&str> {
        let segments = self.path.split('/');
        segments.filter(|segment| !segment.is_empty()).collect()
    }

    /// The value of a parameter, unescaped.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.tail.strip_prefix('?')?.split('#').next()?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        Some(unescaped(value))
    }

    /// Adds a parameter.
    pub(super) fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let (query, fragment) = match self.tail.split_once('#') {
            Some((query, fragment)) => (query, format!("#{fragment}")),
            None => (&*self.tail, String::new()),
        };
        let sign = if query.is_empty() { '?' } else { '&' };
        self.tail = format!("{query}{sign}{name}={}{fragment}", escaped(value)).into();
        self
    }

    /// The name and the password that it holds, unescaped; an empty one is none.
    pub(super) fn credentials(&self) -> [Option<String>; 2] {
        if self.is_socket() {
            return ["user", "pass"].map(|name| self.parameter(name));
        }
        let Some(user) = &self.user else {
            return [None, None];
        };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        [name, password].map(|part| (!part.is_empty()).then(|| unescaped(part)))
    }
}

/// Puts the url together again. Never for logs: it may hold a password.
impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}{}", self.hosts, self.path, self.tail)
    }
}

/// `text` in a form in which it means itself anywhere in a url.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

fn digit(value: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(value)])
}

/// The other way. A `%` that escapes nothing means itself, and so does what is not Unicode.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *byte == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(code);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_put_together_as_it_was_taken_apart() {
        for url in [
            "redis://localhost",
            "rediss://ann:p%40ss@[::1]:7000/3?protocol=resp3#x",
            "redis+sentinel://:secret@a:1,b:2/main/3",
            "unix:///run/redis.sock?db=2&pass=%26",
            "redis://",
        ] {
            assert_eq!(Url::of(url).unwrap().to_string(), url);
        }
        assert!(Url::of("localhost:6379").is_none());
    }

    #[test]
    fn what_is_escaped_reads_back_as_it_was() {
        for text in ["p@ss:w/rd?#%25 +&=é\n", "", "%", "%zz", "plain-_.~"] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
        assert_eq!(unescaped("%zz%4"), "%zz%4");
    }

    #[test]
    fn parameters_go_before_the_fragment() {
        let url = Url::of("unix:///a?db=2#b").unwrap();
        let url = url.with_parameter("pass", "a&b");
        assert_eq!(url.to_string(), "unix:///a?db=2&pass=a%26b#b");
        assert_eq!(url.parameter("pass").as_deref(), Some("a&b"));
    }
}
