//! What processes tell each other about invalidations, and what a near tier makes of it.
//!
//! A message holds who sent it and what is invalid: `version (1), sender (8, big-endian)`, then
//! any number of `kind (1), length (2, big-endian), text`. The kinds are `k`, a key, and `g`, a
//! group. A message that cannot be read means that everything is invalid.

/// The version of the format.
const VERSION: u8 = 1;

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice<'a> {
    pub(crate) sender: u64,
    pub(crate) keys: Vec<&'a str>,
    pub(crate) groups: Vec<&'a str>,
}

/// A message of `sender` about these keys and groups.
pub(crate) fn notice<'a>(
    sender: u64,
    keys: impl IntoIterator<Item = &'a str>,
    groups: impl IntoIterator<Item = &'a str>,
) -> Vec<u8> {
    let mut message = vec![VERSION];
    message.extend(sender.to_be_bytes());
    let keys = keys.into_iter().map(|key| (b'k', key));
    let groups = groups.into_iter().map(|group| (b'g', group));
    for (kind, text) in keys.chain(groups) {
        let Ok(length) = u16::try_from(text.len()) else {
            return everything();
        };
        message.push(kind);
        message.extend(length.to_be_bytes());
        message.extend(text.as_bytes());
    }
    message
}

/// A message that nobody can take for anything but: all of it.
pub(crate) fn everything() -> Vec<u8> {
    vec![VERSION]
}

/// Reads a message; `None` if it is not to be understood.
pub(crate) fn read(message: &[u8]) -> Option<Notice<'_>> {
    let (version, rest) = message.split_first()?;
    let (sender, mut rest) = rest.split_first_chunk()?;
    if *version != VERSION {
        return None;
    }
    let mut notice = Notice {
        sender: u64::from_be_bytes(*sender),
        keys: Vec::new(),
        groups: Vec::new(),
    };
    while let Some((kind, more)) = rest.split_first() {
        let (length, more) = more.split_first_chunk()?;
        let (text, more) = more.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let text = std::str::from_utf8(text).ok()?;
        match kind {
            b'k' => notice.keys.push(text),
            b'g' => notice.groups.push(text),
            _ => return None,
        }
        rest = more;
    }
    Some(notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back() {
        let message = notice(7, ["users:1"], ["p:users", "n"]);
        let read = read(&message).unwrap();
        assert_eq!(read.sender, 7);
        assert_eq!(read.keys, ["users:1"]);
        assert_eq!(read.groups, ["p:users", "n"]);
    }

    #[test]
    fn what_cannot_be_read_is_not_half_read() {
        let message = notice(7, ["users:1"], ["p:users"]);
        for length in 0..message.len() {
            let cut = read(&message[..length]);
            assert!(
                cut.is_none_or(|cut| cut.groups.is_empty()),
                "cut at {length}"
            );
        }
        assert_eq!(read(&everything()), None);
        assert_eq!(read(&[9; 40]), None);
    }
}
