//! What is written to a server: commands, several in one go.

use std::{io::Write, time::Duration};

/// The longest name that memcached takes.
const NAME: usize = 250;
/// The longest life that memcached does not read as a date: 30 days.
const LONGEST: u32 = 30 * 24 * 3600;

/// A name that is safe to write: nothing in it can end it, or the line it stands in.
#[derive(Debug, Clone, Copy)]
pub(in crate::memcached) struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    /// `None` if memcached would take it for something else than one name.
    pub(in crate::memcached) fn new(name: &'a str) -> Option<Self> {
        let safe = |byte: u8| byte > b' ' && byte != 0x7f;
        let fits = (1..=NAME).contains(&name.len());
        (fits && name.bytes().all(safe)).then_some(Self(name))
    }

    pub(in crate::memcached) fn as_str(self) -> &'a str {
        self.0
    }
}

/// How long something lives, in the server's seconds.
///
/// The server's clock ticks once a second, and what ends with a tick may have begun right before
/// one: so a life is rounded up and one second longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::memcached) struct Life(u32);

impl Life {
    pub(in crate::memcached) fn at_least(life: Duration) -> Self {
        let seconds = life.as_nanos().div_ceil(1_000_000_000) + 1;
        let seconds = u32::try_from(seconds).unwrap_or(LONGEST);
        Self(seconds.min(LONGEST))
    }

    /// Whether what has so many seconds left lives as long as this.
    pub(in crate::memcached) fn is_within(self, left: u64) -> bool {
        u64::from(self.0) <= left
    }

    /// An eighth more.
    pub(in crate::memcached) fn with_slack(self) -> Self {
        Self((self.0 + self.0 / 8).min(LONGEST))
    }
}

/// On what a write depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::memcached) enum If {
    Always,
    /// Nothing stands there.
    Missing,
    /// What stands there was last written as this.
    Cas(u64),
}

/// Commands that are written together. Each is answered once, in order.
#[derive(Debug, Default)]
pub(in crate::memcached) struct Batch {
    bytes: Vec<u8>,
    replies: usize,
    /// Where each command ends, if all of them only ask for values.
    ends: Vec<usize>,
}

impl Batch {
    pub(in crate::memcached) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// Questions that only ask for values, one for each of `names`.
    pub(in crate::memcached) fn gets(names: &[Name<'_>]) -> Self {
        let bytes = names.iter().map(|name| name.0.len() + 8).sum();
        let mut batch = Self::with_capacity(bytes);
        batch.ends.reserve_exact(names.len());
        for name in names {
            batch.get(*name);
            batch.ends.push(batch.bytes.len());
        }
        batch
    }

    /// The commands one by one, if all of them only ask for values: then it does not matter who
    /// else asks for the same at the same time.
    pub(in crate::memcached) fn questions(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let question = &self.bytes[start..*end];
            start = *end;
            question
        })
    }

    pub(in crate::memcached) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many answers there will be.
    pub(in crate::memcached) fn replies(&self) -> usize {
        self.replies
    }

    /// Asks for a value.
    pub(in crate::memcached) fn get(&mut self, name: Name<'_>) {
        self.command(b"mg ", name, b" v\r\n");
    }

    /// Asks for a value, and for what a write that depends on it has to name.
    pub(in crate::memcached) fn get_cas(&mut self, name: Name<'_>) {
        self.command(b"mg ", name, b" v c\r\n");
    }

    /// The same, and how long it still lives.
    pub(in crate::memcached) fn inspect(&mut self, name: Name<'_>) {
        self.command(b"mg ", name, b" v c t\r\n");
    }

    pub(in crate::memcached) fn delete(&mut self, name: Name<'_>) {
        self.command(b"md ", name, b"\r\n");
    }

    /// Asks for a sign of life.
    pub(in crate::memcached) fn noop(&mut self) {
        self.bytes.extend_from_slice(b"mn\r\n");
        self.replies += 1;
    }

    /// Writes a value; the answer names what was written.
    pub(in crate::memcached) fn set(
        &mut self,
        name: Name<'_>,
        value: &[u8],
        life: Life,
        condition: If,
    ) {
        self.bytes.reserve(name.0.len() + value.len() + 64);
        let (name, length) = (name.0, value.len());
        self.write(format_args!("ms {name} {length} T{} c", life.0));
        match condition {
            If::Always => {}
            If::Missing => self.bytes.extend_from_slice(b" ME"),
            If::Cas(cas) => self.write(format_args!(" C{cas}")),
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
        self.replies += 1;
    }

    fn command(&mut self, verb: &[u8], name: Name<'_>, rest: &[u8]) {
        self.bytes.extend_from_slice(verb);
        self.bytes.extend_from_slice(name.0.as_bytes());
        self.bytes.extend_from_slice(rest);
        self.replies += 1;
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.bytes
            .write_fmt(text)
            .expect("a vector takes all that is written to it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Batch)) -> String {
        let mut batch = Batch::default();
        fill(&mut batch);
        String::from_utf8(batch.bytes).unwrap()
    }

    fn name(name: &str) -> Name<'_> {
        Name::new(name).expect(name)
    }

    #[test]
    fn commands_are_written_as_the_protocol_wants_them() {
        let life = Life::at_least(Duration::from_secs(60));
        let batch = text(|batch| {
            batch.get(name("a"));
            batch.get_cas(name("b"));
            batch.inspect(name("c"));
            batch.set(name("d"), b"\r\n", life, If::Always);
            batch.set(name("e"), b"", life, If::Missing);
            batch.set(name("f"), b"xyz", life, If::Cas(7));
            batch.delete(name("g"));
            batch.noop();
            assert_eq!(batch.replies(), 8);
        });
        let expected = "mg a v\r\nmg b v c\r\nmg c v c t\r\nms d 2 T61 c\r\n\r\n\r\n\
                        ms e 0 T61 c ME\r\n\r\nms f 3 T61 c C7\r\nxyz\r\nmd g\r\nmn\r\n";
        assert_eq!(batch, expected);
    }

    #[test]
    fn a_name_that_could_be_anything_else_is_none() {
        let long = "k".repeat(250);
        for good in ["a", "a:b%3A{}*?[]\\", "ü", &long] {
            assert!(Name::new(good).is_some(), "{good}");
        }
        let (longer, wide) = ("k".repeat(251), "ü".repeat(126));
        let bad = [
            "",
            " ",
            "a b",
            "a\r\nflush_all",
            "a\n",
            "a\0",
            "a\t",
            "a\x7f",
            &longer,
            &wide,
        ];
        for bad in bad {
            assert!(Name::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_life_is_never_shorter_than_asked_nor_a_date() {
        let seconds = |life| Life::at_least(life).0;
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1)), 2);
        assert_eq!(seconds(Duration::from_secs(1)), 2);
        assert_eq!(seconds(Duration::from_millis(1001)), 3);
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(seconds(30 * day), LONGEST);
        assert_eq!(seconds(31 * day), LONGEST);
        assert_eq!(seconds(Duration::MAX), LONGEST);
        assert_eq!(Life(LONGEST).with_slack(), Life(LONGEST));
        assert_eq!(Life(80).with_slack(), Life(90));
    }
}
