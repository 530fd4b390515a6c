//! Which servers there are, by their names.

use std::fmt;

use cache_core::{Error, ErrorKind, Result};

use crate::loopback::is_loopback;

/// Where memcached listens unless it is told otherwise.
pub(super) const PORT: u16 = 11211;

const FORM: &str = "write `host:port,host:port`, with a port unless it is 11211 and with `[…]` \
     around an address of IPv6";

/// Where one server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// All addresses of a list. No text of it comes back in an error, for it may hold a password.
    pub(super) fn list(text: &str) -> Result<Vec<Self>> {
        let named = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let addresses = named.map(Self::parse).collect::<Result<Vec<_>>>()?;
        if addresses.is_empty() {
            return Err(wrong("names none"));
        }
        for (at, address) in addresses.iter().enumerate() {
            if addresses[..at].contains(address) {
                return Err(wrong("names one twice"));
            }
        }
        Ok(addresses)
    }

    fn parse(text: &str) -> Result<Self> {
        if text.contains("://") {
            return Err(wrong("has a scheme, which memcached has not"));
        }
        if text.contains('@') {
            return Err(wrong(
                "holds a user name, which belongs into `credentials(user, password)` or \
                 `MEMCACHE_USER`",
            ));
        }
        if text.contains(char::is_whitespace) {
            return Err(wrong("has no comma but white space between two hosts"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest
                    .split_once(']')
                    .ok_or_else(|| wrong("has an open `[`"))?;
                let port = rest.strip_prefix(':');
                if port.is_none() && !rest.is_empty() {
                    return Err(wrong("has no `:` between a host and its port"));
                }
                (host, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            None => PORT,
            Some(port) => match port.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(wrong("has no such port")),
            },
        };
        let odd = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._:%".contains(&byte);
        if host.is_empty() || host.bytes().any(odd) {
            return Err(wrong("has no such host"));
        }
        let host = host.to_owned();
        Ok(Self { host, port })
    }

    /// Whether what is sent there cannot leave this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

fn wrong(what: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the list of memcached servers {what}: {FORM}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let list = Address::list(" a.b:1, [::1]:2 ,127.0.0.1,[fe80::1]").unwrap();
        let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["a.b:1", "[::1]:2", "127.0.0.1:11211", "[fe80::1]:11211"]
        );
        let loopback: Vec<bool> = list.iter().map(Address::is_loopback).collect();
        assert_eq!(loopback, [false, true, true, false]);
        assert!(Address::list("localhost").unwrap()[0].is_loopback());
        assert!(!Address::list("localhost.example").unwrap()[0].is_loopback());
    }

    #[test]
    fn a_wrong_list_is_refused_in_words_without_its_text() {
        let lists = [
            ("", "names none"),
            (" , ", "names none"),
            ("hunter2:1,b:1,hunter2:1", "twice"),
            ("memcached://hunter2:1", "scheme"),
            ("user:hunter2@host:1", "credentials"),
            ("host:hunter2", "port"),
            ("host:65536", "port"),
            ("host:0", "port"),
            ("[::1", "`[`"),
            ("[::1]11211", "`:`"),
            ("a:1 b:1", "comma"),
            (":1", "host"),
            ("hun ter2:1", "host"),
            ("hunter2\r\n:1", "host"),
        ];
        for (list, what) in lists {
            let error = Address::list(list).expect_err(list);
            assert_eq!(error.kind(), ErrorKind::Config, "{list}");
            let text = error.to_string();
            assert!(text.contains(what), "{list} gives {text}");
            assert!(!text.contains("hunter2"), "{list} gives {text}");
        }
    }
}
