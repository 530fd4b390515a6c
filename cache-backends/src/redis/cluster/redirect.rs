//! Where a node sends who asks it for what is elsewhere.

use redis::ServerError;

use super::address::Address;

/// An answer that names another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redirect {
    /// The slot is that node's.
    Moved(Address),
    /// The slot is being moved to that node, which is to be asked this once.
    Ask(Address),
}

impl Redirect {
    /// What an error of the node at `asked` means; `None` if it is no redirection, or one that
    /// cannot be understood.
    pub(super) fn of(error: &ServerError, asked: &Address) -> Option<Self> {
        let details = || parse(error.details()?, asked);
        match error.code() {
            "MOVED" => details().map(Self::Moved),
            "ASK" => details().map(Self::Ask),
            _ => None,
        }
    }
}

/// The address in `<slot> <host>:<port>`. A host that is left out is the one that was asked.
fn parse(details: &str, asked: &Address) -> Option<Address> {
    let mut words = details.split(' ');
    let slot: usize = words.next()?.parse().ok()?;
    let (host, port) = words.next()?.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    if slot >= super::slot::SLOTS || words.next().is_some() {
        return None;
    }
    Some(asked.told(host, port))
}

/// Reads bytes as what a node says behind `MOVED` or `ASK`. Whether they name a node.
///
/// # Panics
///
/// If the node that was read is another when it is named again.
#[cfg(feature = "testkit")]
pub fn redirects(data: &[u8]) -> bool {
    let asked = Address::new("10.0.0.1", 7000);
    let details = String::from_utf8_lossy(data);
    let Some(address) = parse(&details, &asked) else {
        return false;
    };
    assert!(!address.host.is_empty() && address.port != 0, "{address}");
    let again = parse(&format!("0 {address}"), &asked);
    assert_eq!(again, Some(address));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Address {
        Address::new("10.0.0.1", 7000)
    }

    #[test]
    fn an_address_is_read_in_all_its_forms() {
        let forms = [
            ("3999 127.0.0.1:6381", Address::new("127.0.0.1", 6381)),
            ("0 cache.internal:1", Address::new("cache.internal", 1)),
            ("16383 2001:db8::1:6381", Address::new("2001:db8::1", 6381)),
            ("1 :6381", Address::new("10.0.0.1", 6381)),
            ("1 ?:6381", Address::new("10.0.0.1", 6381)),
        ];
        for (text, address) in forms {
            assert_eq!(parse(text, &asked()), Some(address), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_no_redirection() {
        let garbage = [
            "",
            " ",
            "1",
            "1 ",
            "1 host",
            "1 host:",
            "1 host:0",
            "1 host:65536",
            "1 host:-1",
            "x host:1",
            "16384 host:1",
            "-1 host:1",
            "1 host:1 more",
            "1  host:1",
            "99999999999999999999999 host:1",
            "1 \u{1f600}",
        ];
        for text in garbage {
            assert_eq!(parse(text, &asked()), None, "{text}");
        }
    }
}
