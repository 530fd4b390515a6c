//! How a value is spelt inside a key: typed, escaped, and never like another value.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZero,
    sync::Arc,
};

use super::KeyWriter;

/// A value that can stand in a key: two values of one type share their text only if they are
/// equal.
///
/// Strings are written as they are, except that `%XX` stands for each byte of a separator,
/// wildcard, brace, quote, white space or control character, and `%_` for the empty string.
/// `None` is `%-`; `Some(x)` is `x`, after a `%+` where `x` itself begins with `%-` or `%+`.
/// Tuples and lists are `(a,b,)`.
///
/// For your own types derive it (`#[derive(larder::KeyPart)]`), or write the parts of which they
/// are made, as one tuple:
///
/// ```
/// use cache_core::{KeyPart, KeyWriter};
///
/// struct Page { list: String, number: u32 }
///
/// impl KeyPart for Page {
///     fn write_key(&self, key: &mut KeyWriter) {
///         key.part(&(&self.list, self.number));
///     }
/// }
///
/// let mut key = KeyWriter::new();
/// key.part(&Page { list: "new ones".into(), number: 2 });
/// assert_eq!(key.as_str(), "(new%20ones,2,)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a cache key",
    label = "this value has no spelling in a key",
    note = "integers, `bool`, `char`, strings, and options, tuples, lists, references, `Box` and \
            `Arc` of them can; your own types with `#[derive(larder::KeyPart)]`",
    note = "floats and `Debug` texts are refused on purpose: equal values may be spelt \
            differently. Use `x.to_bits()`, a rounded integer or `x.to_string()`, or leave it out: \
            an argument with `skip(…)`, a field with `#[key(skip)]`"
)]
pub trait KeyPart {
    /// Writes this value with [`KeyWriter::part`]. A [`literal`](KeyWriter::literal) written
    /// here is not escaped.
    fn write_key(&self, key: &mut KeyWriter);
}

// No implementation is recommended: a list of them would hide the notes above.

/// The bytes of strings that are written as they are.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        plain[byte] = true;
        byte += 1;
    }
    let special = b"%:*?[]\\{}(),<>\"~";
    let mut at = 0;
    while at < special.len() {
        plain[special[at] as usize] = false;
        at += 1;
    }
    plain
};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[diagnostic::do_not_recommend]
impl KeyPart for str {
    #[inline]
    fn write_key(&self, key: &mut KeyWriter) {
        if self.is_empty() {
            // An empty segment would make `users:` of `users:<id>`, which reads like `users`.
            key.literal("%_");
        } else if self.bytes().all(|byte| PLAIN[usize::from(byte)]) {
            key.literal(self);
        } else {
            escape(self, key);
        }
    }
}

#[cold]
fn escape(text: &str, key: &mut KeyWriter) {
    for char in text.chars() {
        write_char(char, key);
    }
}

fn write_char(char: char, key: &mut KeyWriter) {
    let mut bytes = [0; 4];
    let text = char.encode_utf8(&mut bytes);
    let plain = if char.is_ascii() {
        PLAIN[char as usize]
    } else {
        !char.is_whitespace() && !char.is_control()
    };
    if plain {
        return key.literal(text);
    }
    for byte in text.bytes() {
        key.literal("%");
        for digit in [byte >> 4, byte & 0xf] {
            let digit = HEX[usize::from(digit)];
            key.literal(char::from(digit).encode_utf8(&mut [0; 4]));
        }
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for char {
    fn write_key(&self, key: &mut KeyWriter) {
        write_char(*self, key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for bool {
    fn write_key(&self, key: &mut KeyWriter) {
        key.literal(if *self { "true" } else { "false" });
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart for $int {
            #[inline]
            fn write_key(&self, key: &mut KeyWriter) {
                key.literal(itoa::Buffer::new().format(*self));
            }
        }

        #[diagnostic::do_not_recommend]
        impl KeyPart for NonZero<$int> {
            #[inline]
            fn write_key(&self, key: &mut KeyWriter) {
                self.get().write_key(key);
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: KeyPart + ?Sized> KeyPart for $pointer {
            #[inline]
            fn write_key(&self, key: &mut KeyWriter) {
                T::write_key(self, key);
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Arc<T>);

#[diagnostic::do_not_recommend]
impl<T: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, T> {
    fn write_key(&self, key: &mut KeyWriter) {
        T::write_key(self, key);
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for String {
    #[inline]
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_str().write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for Option<T> {
    fn write_key(&self, key: &mut KeyWriter) {
        let Some(value) = self else {
            return key.literal("%-");
        };
        let from = key.len();
        value.write_key(key);
        if matches!(key.as_str().as_bytes()[from..], [b'%', b'-' | b'+', ..]) {
            key.insert(from, "%+");
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for [T] {
    fn write_key(&self, key: &mut KeyWriter) {
        key.literal("(");
        for value in self {
            value.write_key(key);
            key.literal(",");
        }
        key.literal(")");
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart, const N: usize> KeyPart for [T; N] {
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_slice().write_key(key);
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyPart for Vec<T> {
    fn write_key(&self, key: &mut KeyWriter) {
        self.as_slice().write_key(key);
    }
}

macro_rules! tuples {
    () => { tuple!(); };
    ($first:ident $($rest:ident)*) => {
        tuple!($first $($rest)*);
        tuples!($($rest)*);
    };
}

macro_rules! tuple {
    ($($name:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: KeyPart),*> KeyPart for ($($name,)*) {
            #[allow(non_snake_case, reason = "the type parameters name the fields, too")]
            fn write_key(&self, key: &mut KeyWriter) {
                let ($($name,)*) = self;
                key.literal("(");
                $(
                    $name.write_key(key);
                    key.literal(",");
                )*
                key.literal(")");
            }
        }
    };
}

tuples!(A B C D E F G H I J K L);

/// Escapes what somebody's `Display` writes.
struct Escaped<'a>(&'a mut KeyWriter);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, self.0);
        Ok(())
    }
}

macro_rules! displayed {
    ($($(#[$gate:meta])* $type:ty)*) => {$(
        $(#[$gate])*
        #[diagnostic::do_not_recommend]
        impl KeyPart for $type {
            fn write_key(&self, key: &mut KeyWriter) {
                write!(Escaped(key), "{self}").expect("a key takes any text");
            }
        }
    )*};
}

displayed! {
    Ipv4Addr
    Ipv6Addr
    IpAddr
    #[cfg(feature = "uuid")]
    uuid::Uuid
    #[cfg(feature = "chrono")]
    chrono::NaiveDate
    #[cfg(feature = "chrono")]
    chrono::NaiveTime
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Utc>
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::FixedOffset>
    #[cfg(feature = "jiff")]
    jiff::Timestamp
    #[cfg(feature = "jiff")]
    jiff::civil::Date
    #[cfg(feature = "jiff")]
    jiff::civil::Time
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime
    #[cfg(feature = "time")]
    time::Date
    #[cfg(feature = "time")]
    time::Time
    #[cfg(feature = "time")]
    time::PrimitiveDateTime
    #[cfg(feature = "time")]
    time::OffsetDateTime
}

/// The text in lower case, for keys that do not care: the filter `<name:lower>`.
pub fn lower<T: AsRef<str> + ?Sized>(text: &T) -> Lower<'_> {
    Lower(text.as_ref())
}

/// What [`lower`] returns.
#[derive(Debug, Clone, Copy)]
pub struct Lower<'a>(&'a str);

#[diagnostic::do_not_recommend]
impl KeyPart for Lower<'_> {
    fn write_key(&self, key: &mut KeyWriter) {
        if self.0.is_empty() {
            return "".write_key(key);
        }
        // Character by character, because `str::to_lowercase` would allocate.
        for char in self.0.chars().flat_map(char::to_lowercase) {
            write_char(char, key);
        }
    }
}

/// 32 hexadecimal digits for a value that is long or must not be seen: the filter `<q:hash>`, and
/// the option `sensitive`. SHA-256 of the value's text, cut to 128 bits: nobody finds a value
/// with a given hash but by trying values, nor two with one hash. It is not keyed, so whoever
/// sees a key can test a guess; that hides a token, and not a birthday.
pub fn hashed<T: KeyPart + ?Sized>(value: &T) -> Hashed<'_, T> {
    Hashed(value)
}

/// How much of a hash stands in a key.
const HASH_BYTES: usize = 16;

/// What [`hashed`] returns.
#[derive(Debug, Clone, Copy)]
pub struct Hashed<'a, T: ?Sized>(&'a T);

#[diagnostic::do_not_recommend]
impl<T: KeyPart + ?Sized> KeyPart for Hashed<'_, T> {
    fn write_key(&self, key: &mut KeyWriter) {
        let mut text = KeyWriter::new();
        self.0.write_key(&mut text);
        let hash = hmac_sha256::Hash::hash(text.as_str().as_bytes());
        for byte in &hash[..HASH_BYTES] {
            write!(Escaped(key), "{byte:02x}").expect("a key takes any text");
        }
    }
}
