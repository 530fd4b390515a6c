//! Types that serialisation formats get wrong.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plain {
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    pub score: f64,
    pub parent: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    pub id: u64,
    #[serde(flatten)]
    pub rest: Plain2,
    #[serde(flatten)]
    pub more: BTreeMap<String, i32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plain2 {
    pub left: String,
    pub right: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    Number(u32),
    Big(i64),
    Text(String),
    Pair { a: u8, b: u8 },
    List(Vec<Untagged>),
}

/// The first variant also reads what the second one writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ambiguous {
    Short { x: u32 },
    Long { x: u32, y: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Internal {
    Unit,
    Struct { a: u32, b: Option<String> },
    Newtype(Plain2),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
pub enum Adjacent {
    Unit,
    Tuple(u32, String),
    Struct { a: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skips {
    pub id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<u32>,
    #[serde(skip)]
    pub cached: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<u8>,
}

/// A field that is written by nobody and read with a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeverWritten {
    pub id: u8,
    #[serde(skip_serializing, default)]
    pub gone: u8,
    pub list: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkipsInTuple(
    pub u8,
    #[serde(skip_serializing_if = "Option::is_none", default)] pub Option<u8>,
);

/// Variants behind the skipped one have one number for writing and another for reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Shifted {
    First,
    #[serde(skip)]
    #[allow(dead_code, reason = "never written")]
    Skipped,
    Third,
    Fourth,
}

/// The same, and the names do not help either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "UPPERCASE"))]
pub enum ShiftedAndRenamed {
    First,
    #[serde(skip)]
    #[allow(dead_code, reason = "never written")]
    Skipped,
    Third,
    Fourth,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
pub struct Renamed {
    pub user_name: String,
    pub user_id: u32,
}

/// Writes its fields in another order than it reads them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Swapped {
    pub left: u32,
    pub right: u32,
}

impl Serialize for Swapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Swapped", 2)?;
        fields.serialize_field("right", &self.right)?;
        fields.serialize_field("left", &self.left)?;
        fields.end()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tree {
    Leaf(i64),
    Node(Box<Tree>, Box<Tree>),
    Named { name: String, tree: Box<Tree> },
    Many(Vec<Tree>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    pub value: u8,
    pub next: Option<Box<Chain>>,
}

/// Every `Some` is one more, and none of them takes a byte in a format without a mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peano(pub Option<Box<Peano>>);

/// Nothing but newtypes in enums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Onion {
    Core,
    Skin(Box<Onion>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meters(pub f64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generic<T> {
    pub inner: T,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Everything {
    pub unit: (),
    pub unit_struct: Unit,
    pub newtype: Meters,
    pub nested: Generic<Generic<u8>>,
    pub tuple: (u8, i16, char),
    pub array: [u16; 3],
    pub wide: (u128, i128),
    pub option: Option<String>,
    pub cow: Cow<'static, str>,
    pub arc: Arc<str>,
    pub shared: Arc<Plain2>,
    pub map: BTreeMap<(u8, String), Vec<bool>>,
    pub hash: HashMap<String, u32>,
    pub set: HashSet<u32>,
    pub result: Result<u8, String>,
    pub small: f32,
    pub signed: (i8, i16, i32, i64, isize),
    pub unsigned: (u8, u16, u32, u64, usize),
    pub tree: Tree,
}

/// Like the dates of well-known crates: text that has to parse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!(
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        ))
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().and_then(|part| part.parse::<u16>().ok());
        let (Some(year), Some(month @ 1..=12), Some(day @ 1..=31)) = (part(), part(), part())
        else {
            return Err(de::Error::custom("not a date"));
        };
        Ok(Self {
            year,
            month: u8::try_from(month).map_err(de::Error::custom)?,
            day: u8::try_from(day).map_err(de::Error::custom)?,
        })
    }
}

/// Refuses everything that a tracer would think of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picky(pub String);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix("picky:") {
            Some(_) => Ok(Self(text)),
            None => Err(de::Error::custom("not picky")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Range {
    pub start: u32,
    pub end: u32,
}

impl TryFrom<(u32, u32)> for Range {
    type Error = &'static str;

    fn try_from((start, end): (u32, u32)) -> Result<Self, Self::Error> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err("empty")
        }
    }
}

impl From<Range> for (u32, u32) {
    fn from(range: Range) -> Self {
        (range.start, range.end)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Aliased {
    #[serde(alias = "One", alias = "Uno")]
    First,
    Second(u8),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Other {
    First,
    Second,
    #[serde(other)]
    Rest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasedField {
    #[serde(alias = "b", alias = "c")]
    pub a: u8,
    pub d: u8,
}

/// Written as text, read as a number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Lopsided(pub u32);

impl Serialize for Lopsided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

/// Reads a number, and then more or less according to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned(pub u8, pub u32);

impl Serialize for Versioned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 9 {
            (self.0, self.1.to_string()).serialize(serializer)
        } else {
            (self.0, self.1).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Versioned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Versioned;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a version and a number")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Versioned, A::Error> {
                let missing = || de::Error::custom("missing");
                let version = seq.next_element()?.ok_or_else(missing)?;
                let number = if version == 9 {
                    let text: String = seq.next_element()?.ok_or_else(missing)?;
                    text.parse().map_err(de::Error::custom)?
                } else {
                    seq.next_element()?.ok_or_else(missing)?
                };
                Ok(Versioned(version, number))
            }
        }
        deserializer.deserialize_tuple(2, Visitor)
    }
}

/// Bytes that are neither a list nor text.
#[derive(Debug, Clone, PartialEq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("sixteen bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                match bytes.len() {
                    16 => Ok(Blob(bytes.to_vec())),
                    n => Err(E::invalid_length(n, &self)),
                }
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// Panics on a value that a tracer would think of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panics(pub u32);

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        assert!(number > 1000, "a number nobody made up");
        Ok(Self(number))
    }
}

/// A list of which only the first element matters.
#[derive(Debug, Clone, PartialEq)]
pub struct First(pub u8);

impl Serialize for First {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0].as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = First;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<First, A::Error> {
                let first = seq.next_element()?;
                first.map(First).ok_or_else(|| de::Error::custom("empty"))
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}
