//! What a server answers, read from bytes as they come.

use bytes::Bytes;

/// The longest line: all that is asked for fits in a fraction of it.
const LINE: usize = 1024;
/// The longest value: as much as a cache ever decodes.
const VALUE: usize = 16 << 20;

/// One answer, with its value as `B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::memcached) enum Reply<B> {
    /// `VA`: a value.
    Value(B, Flags),
    /// `HD`: done.
    Done(Flags),
    /// `EN`: nothing stands there.
    Missing,
    /// `NS`: not written, for something stands there.
    NotStored,
    /// `EX`: not written, for something else stands there by now.
    Exists,
    /// `NF`: not written or not removed, for nothing stands there.
    NotFound,
    /// `MN`: alive.
    Noop,
    /// `SERVER_ERROR`: refused, in the server's words; the next answer follows.
    Refused(Box<str>),
    /// `CLIENT_ERROR`, `ERROR`: not understood; what follows may answer anything.
    Confused(Box<str>),
}

/// What an answer tells beside its value, as far as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::memcached) struct Flags {
    /// What a later write may depend on; never zero.
    pub(in crate::memcached) cas: Option<u64>,
    /// How many seconds it still lives, to the next tick.
    pub(in crate::memcached) left: Option<u64>,
}

/// Why bytes are no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::memcached) enum Malformed {
    /// Longer than an answer can be.
    TooLong,
    /// Not what the protocol says.
    Nonsense,
}

impl Reply<&[u8]> {
    /// The same with bytes of its own: not a piece of a buffer that it would keep alive.
    pub(in crate::memcached) fn into_owned(self) -> Reply<Bytes> {
        match self {
            Self::Value(bytes, flags) => Reply::Value(Bytes::copy_from_slice(bytes), flags),
            Self::Done(flags) => Reply::Done(flags),
            Self::Missing => Reply::Missing,
            Self::NotStored => Reply::NotStored,
            Self::Exists => Reply::Exists,
            Self::NotFound => Reply::NotFound,
            Self::Noop => Reply::Noop,
            Self::Refused(words) => Reply::Refused(words),
            Self::Confused(words) => Reply::Confused(words),
        }
    }
}

/// An answer and how many bytes it takes; `None` if it is not all there yet.
pub(in crate::memcached) type Parsed<'a> = Result<Option<(Reply<&'a [u8]>, usize)>, Malformed>;

/// Reads the first answer of `bytes`.
pub(in crate::memcached) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(end) = bytes.iter().take(LINE).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE {
            Ok(None)
        } else {
            Err(Malformed::TooLong)
        };
    };
    let line = bytes[..end]
        .strip_suffix(b"\r")
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(Malformed::Nonsense)?;
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let start = end + 1;
    let reply = match word {
        "VA" => return value(rest, bytes, start),
        "HD" => Reply::Done(flags(rest)?),
        "EN" => Reply::Missing,
        "NS" => Reply::NotStored,
        "EX" => Reply::Exists,
        "NF" => Reply::NotFound,
        "MN" => Reply::Noop,
        "SERVER_ERROR" => Reply::Refused(words(rest)),
        "CLIENT_ERROR" | "ERROR" => Reply::Confused(words(rest)),
        _ => return Err(Malformed::Nonsense),
    };
    Ok(Some((reply, start)))
}

/// A value of the length that `rest` starts with, which begins at `start`.
fn value<'a>(rest: &str, bytes: &'a [u8], start: usize) -> Parsed<'a> {
    let (length, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let length = usize::try_from(number(length)?).map_err(|_| Malformed::TooLong)?;
    if length > VALUE {
        return Err(Malformed::TooLong);
    }
    let flags = flags(rest)?;
    let end = start + length;
    let Some(value) = bytes.get(start..end) else {
        return Ok(None);
    };
    match &bytes[end..] {
        [b'\r', b'\n', ..] => Ok(Some((Reply::Value(value, flags), end + 2))),
        [] | [b'\r'] => Ok(None),
        _ => Err(Malformed::Nonsense),
    }
}

fn flags(text: &str) -> Result<Flags, Malformed> {
    let mut flags = Flags::default();
    for flag in text.split(' ').filter(|flag| !flag.is_empty()) {
        if let Some(cas) = flag.strip_prefix('c') {
            flags.cas = Some(number(cas)?).filter(|cas| *cas != 0);
        } else if let Some(left) = flag.strip_prefix('t') {
            // What never ends is told as -1.
            flags.left = Some(if left == "-1" {
                u64::MAX
            } else {
                number(left)?
            });
        }
    }
    Ok(flags)
}

fn number(text: &str) -> Result<u64, Malformed> {
    // `parse` alone would take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::Nonsense);
    }
    text.parse().map_err(|_| Malformed::Nonsense)
}

/// The server's words, made fit for a line of a log.
fn words(text: &str) -> Box<str> {
    let plain = |character: &char| !character.is_control();
    let words: String = text.chars().filter(plain).take(100).collect();
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(bytes: &'static str) -> Parsed<'static> {
        parse(bytes.as_bytes())
    }

    fn flags(cas: Option<u64>, left: Option<u64>) -> Flags {
        Flags { cas, left }
    }

    #[test]
    fn every_answer_is_known() {
        let whole = |reply, bytes: &'static str| {
            assert_eq!(one(bytes), Ok(Some((reply, bytes.len()))), "{bytes:?}");
        };
        whole(
            Reply::Value(b"a\r\nb", flags(None, None)),
            "VA 4\r\na\r\nb\r\n",
        );
        whole(
            Reply::Value(b"", flags(Some(7), Some(3))),
            "VA 0 c7 t3\r\n\r\n",
        );
        whole(
            Reply::Value(b"x", flags(Some(u64::MAX), Some(u64::MAX))),
            "VA 1 t-1 f12 c18446744073709551615 W\r\nx\r\n",
        );
        whole(Reply::Done(flags(None, None)), "HD\r\n");
        whole(Reply::Done(flags(Some(5), None)), "HD c5\r\n");
        whole(Reply::Missing, "EN\r\n");
        whole(Reply::NotStored, "NS c0\r\n");
        whole(Reply::Exists, "EX c0\r\n");
        whole(Reply::NotFound, "NF\r\n");
        whole(Reply::Noop, "MN\r\n");
        whole(
            Reply::Refused("out of memory".into()),
            "SERVER_ERROR out of memory\r\n",
        );
        whole(Reply::Confused("bad".into()), "CLIENT_ERROR bad\r\n");
        whole(Reply::Confused("".into()), "ERROR\r\n");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let nonsense = [
            "HD\n",
            "\r\n",
            "va 1\r\nx\r\n",
            "VA\r\n",
            "VA +1\r\nx\r\n",
            "VA -1\r\nx\r\n",
            "VA 1 cx\r\nx\r\n",
            "VA 1\r\nxy\r\n",
            "VA 1\r\nx\n",
            "HD c18446744073709551616\r\n",
            "STORED\r\n",
            "VA 99999999999999999999999\r\n",
        ];
        for bytes in nonsense {
            assert_eq!(one(bytes), Err(Malformed::Nonsense), "{bytes:?}");
        }
        assert_eq!(parse(b"\xff\r\n"), Err(Malformed::Nonsense));
    }

    #[test]
    fn no_length_is_waited_for_that_is_too_long() {
        assert_eq!(one("VA 16777217\r\n"), Err(Malformed::TooLong));
        assert_eq!(one("VA 18446744073709551615\r\n"), Err(Malformed::TooLong));
        assert_eq!(one("VA 16777216\r\n"), Ok(None));
        assert_eq!(parse(&[b'x'; LINE]), Err(Malformed::TooLong));
        assert_eq!(parse(&[b'x'; LINE - 1]), Ok(None));
    }

    /// Bytes of a stream of answers, and what they say.
    fn stream() -> impl Strategy<Value = (Vec<u8>, Vec<Reply<Bytes>>)> {
        let value = (
            proptest::collection::vec(any::<u8>(), 0..80),
            0..9u64,
            any::<u32>(),
        );
        let valued = value.prop_map(|(bytes, cas, left)| {
            let head = format!("VA {} c{cas} t{left}\r\n", bytes.len());
            let flags = flags(Some(cas).filter(|cas| *cas != 0), Some(left.into()));
            let line = [head.as_bytes(), &bytes, b"\r\n"].concat();
            (line, Reply::Value(bytes.into(), flags))
        });
        let plain = prop_oneof![
            Just((b"EN\r\n".to_vec(), Reply::Missing)),
            Just((b"HD\r\n".to_vec(), Reply::Done(Flags::default()))),
            Just((b"EX c0\r\n".to_vec(), Reply::Exists)),
            Just((
                b"SERVER_ERROR full\r\n".to_vec(),
                Reply::Refused("full".into())
            )),
        ];
        let answers = proptest::collection::vec(prop_oneof![valued, plain], 1..8);
        answers.prop_map(|answers| {
            let (lines, replies): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
            (lines.concat(), replies)
        })
    }

    proptest! {
        /// Wherever the bytes are cut into two parts, the answers are the same; what is not all
        /// there is not yet one.
        #[test]
        fn answers_may_come_in_any_pieces((bytes, expected) in stream()) {
            for cut in 0..=bytes.len() {
                let mut found = Vec::new();
                let mut start = 0;
                for end in [cut, bytes.len()] {
                    while let Some((reply, used)) = parse(&bytes[start..end]).unwrap() {
                        found.push(reply.into_owned());
                        start += used;
                    }
                }
                prop_assert_eq!(&found, &expected, "cut at {}", cut);
                prop_assert_eq!(start, bytes.len());
            }
        }

        /// Whatever comes, reading it ends, and takes no more than there is.
        #[test]
        fn any_bytes_are_read_without_panic(
            head in "(VA [0-9]{0,12}( [a-z-][0-9]{0,22})*|HD c?|[A-Z]{1,4})(\r\n)?",
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [head.as_bytes(), &tail].concat();
            if let Ok(Some((reply, used))) = parse(&bytes) {
                prop_assert!((3..=bytes.len()).contains(&used));
                prop_assert_eq!(parse(&bytes[..used]), Ok(Some((reply, used))));
            }
        }
    }
}
