//! A type that has every shape that a codec meets.

use std::collections::BTreeMap;

use larder::{codec::Codec, testkit::fuzz};
use serde::{Deserialize, Serialize};

/// Every shape, and itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Numbers of several widths.
    pub numbers: (u8, i16, u32, i64, u128, f64),
    /// Texts.
    pub text: (char, String, Option<String>),
    /// Bytes, one by one.
    pub bytes: Vec<u8>,
    /// What has no size, of which few bytes may claim many.
    pub nothings: Vec<()>,
    /// A map.
    pub map: BTreeMap<String, Option<bool>>,
    /// A choice.
    pub choice: Choice,
    /// Itself, as deep as it likes.
    pub inner: Vec<Value>,
}

/// Every kind of variant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Choice {
    /// Without anything.
    #[default]
    Unit,
    /// One thing.
    Newtype(Box<Choice>),
    /// Several.
    Tuple(u16, String),
    /// Several by name.
    Struct {
        /// One of them.
        list: Vec<i8>,
    },
}

impl Value {
    /// One with something everywhere.
    fn full() -> Self {
        Self {
            numbers: (1, -2, 3, -4, u128::MAX, 0.1),
            text: ('ü', "a text".to_owned(), Some(String::new())),
            bytes: vec![0, 127, 128, 255],
            nothings: vec![(); 3],
            map: [("a", None), ("b", Some(true))]
                .map(|(key, value)| (key.to_owned(), value))
                .into(),
            choice: Choice::Newtype(Box::new(Choice::Tuple(1, "two".to_owned()))),
            inner: Vec::new(),
        }
    }

    /// One inside one, and so on.
    fn deep(levels: usize) -> Self {
        let inner = |value| Self {
            inner: vec![value],
            ..Self::default()
        };
        (0..levels).fold(Self::default(), |value, _| inner(value))
    }
}

/// Values as a codec writes them.
pub(crate) fn seeds<C: Codec<Value>>() -> Vec<Vec<u8>> {
    let choice = Choice::Struct { list: vec![-1, 1] };
    let family = Value {
        choice,
        inner: vec![Value::full(), Value::default()],
        ..Value::default()
    };
    let values = [Value::default(), Value::full(), family, Value::deep(8)];
    values.iter().map(fuzz::encoded::<C, Value>).collect()
}

/// Bytes that claim more than they hold, of a codec that writes like bincode.
pub(crate) fn claims<C: Codec<Value>>() -> Vec<Vec<u8>> {
    let of = |bytes, nothings| {
        fuzz::encoded::<C, Value>(&Value {
            bytes: vec![0; bytes],
            nothings: vec![(); nothings],
            ..Value::default()
        })
    };
    [of(0, 1), of(1, 0)]
        .map(|other| claim(&of(0, 0), &other))
        .into()
}

/// `bytes`, in which the length by which they differ from `other` is 2^26.
fn claim(bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut pairs = bytes.iter().zip(other);
    let at = pairs.position(|(one, other)| one != other);
    let at = at.expect("they differ in a length");
    // So begins a number of four bytes.
    let length = [&[252], &(1_u32 << 26).to_le_bytes()[..]].concat();
    [&bytes[..at], &length, &bytes[at + 1..]].concat()
}
