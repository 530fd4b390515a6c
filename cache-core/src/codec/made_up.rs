//! The values that a type is offered when it is traced.

use super::schema::Kind;

pub(super) const INTEGERS: [u8; 5] = [1, 0, 2, 12, 100];

pub(super) const FLOATS: [f32; 3] = [1.0, 0.0, 0.5];

pub(super) const CHARS: [char; 4] = ['a', 'A', '0', '/'];

/// Texts of many kinds: a name, a number, a code, an address, a date, a version, a colour.
pub(super) const TEXTS: [&str; 32] = [
    "a",
    "",
    "1",
    "A",
    "0.5",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "127.0.0.0/8",
    "00000000-0000-4000-8000-000000000000",
    "1970-01-01",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00",
    "1970-01-01T00:00:00+00:00[UTC]",
    "00:00:00",
    "1970-01",
    "P1D",
    "PT1S",
    "1s",
    "UTC",
    "+00:00",
    "http://example.com/",
    "a@example.com",
    "1.0.0",
    "EUR",
    "en-GB",
    "#000000",
    "text/plain",
    "00000000000000000000000000",
    "true",
];

pub(super) const LENGTHS: [usize; 10] = [0, 1, 16, 4, 8, 12, 20, 32, 6, 64];

/// What an answer to "anything" may be.
pub(super) enum Anything {
    Unit,
    Integer,
    Text,
    Bool,
    Float,
    List,
    Map,
}

pub(super) const ANYTHING: [Anything; 7] = [
    Anything::Unit,
    Anything::Integer,
    Anything::Text,
    Anything::Bool,
    Anything::Float,
    Anything::List,
    Anything::Map,
];

/// How many values there are to offer.
pub(super) fn count(kind: Kind) -> usize {
    match kind {
        Kind::Unit | Kind::Ignored => 1,
        Kind::Bool => 2,
        Kind::F32 | Kind::F64 => FLOATS.len(),
        Kind::Char => CHARS.len(),
        Kind::Str | Kind::Identifier => TEXTS.len(),
        Kind::Bytes => LENGTHS.len(),
        Kind::Any => ANYTHING.len(),
        Kind::I8
        | Kind::I16
        | Kind::I32
        | Kind::I64
        | Kind::I128
        | Kind::U8
        | Kind::U16
        | Kind::U32
        | Kind::U64
        | Kind::U128 => INTEGERS.len(),
    }
}
