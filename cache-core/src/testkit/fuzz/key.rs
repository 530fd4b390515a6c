//! Keys are injective, because what was written can be read back: by this reader, which nobody
//! else needs.

use crate::{
    KeyWriter,
    key::{check, groups, prefix, slot_text},
};

/// What the arguments of a function might be.
type Args = (String, Option<Option<String>>, Vec<Option<String>>, i64);

/// What a value never holds, besides white space and control characters.
const MARKS: [char; 10] = [':', '*', '?', '[', ']', '\\', '{', '}', '"', '~'];

/// The longest name that a store is given.
const LONGEST_NAME: usize = 156;

/// Writes the arguments that bytes stand for as a key, and reads them back.
///
/// # Panics
///
/// If they are others then, or if the key holds what it must not.
pub fn key(data: &[u8]) -> bool {
    let args = args(data);
    let mut writer = KeyWriter::new();
    writer.part(&args);
    let text = writer.as_str();
    assert_eq!(read(text).as_ref(), Some(&args), "{text}");
    let wrong = |char: char| char.is_whitespace() || char.is_control() || MARKS.contains(&char);
    assert!(!text.contains(wrong), "{text}");

    let by_hand = String::from_utf8_lossy(data);
    named(text);
    named(&by_hand);
    check(&by_hand).is_ok()
}

/// What is made of any key for a store.
fn named(text: &str) {
    let name = slot_text(text);
    let wrong = |char: char| char.is_whitespace() || char.is_control();
    assert!(!name.contains(wrong), "{name}");
    assert!(name.len() <= LONGEST_NAME, "{name}");
    if let Ok(group) = prefix(text) {
        check(group).expect("a prefix is a key as well");
    }
    for group in groups(text) {
        assert!(!group.is_empty() && text.starts_with(group), "{group}");
    }
}

/// The arguments that bytes stand for.
fn args(data: &[u8]) -> Args {
    let mut data = data;
    let mut byte = || {
        let (first, rest) = data.split_first()?;
        data = rest;
        Some(*first)
    };
    let kinds = byte().unwrap_or_default();
    let number = std::array::from_fn(|_| byte().unwrap_or_default());
    let mut texts = data.split(|byte| *byte == 0xff);
    let mut text = || {
        let text = texts.next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    let first = text();
    let option = match kinds % 3 {
        0 => None,
        1 => Some(None),
        _ => Some(Some(text())),
    };
    let list = (0..kinds / 16).map(|at| (at % 3 > 0).then(&mut text));
    (first, option, list.collect(), i64::from_le_bytes(number))
}

fn read(text: &str) -> Option<Args> {
    let text = text.strip_prefix('(')?.strip_suffix(",)")?;
    let (first, text) = text.split_once(',')?;
    let (option, text) = text.split_once(',')?;
    let (list, number) = text.strip_prefix('(')?.split_once("),")?;
    let list = list
        .split_terminator(',')
        .map(|text| read_option(text, unescaped));
    Some((
        unescaped(first)?,
        read_option(option, |text| read_option(text, unescaped))?,
        list.collect::<Option<_>>()?,
        number.parse().ok()?,
    ))
}

#[allow(
    clippy::option_option,
    reason = "the values are options, and not all texts are values"
)]
fn read_option<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        "%-" => Some(None),
        _ => read(text.strip_prefix("%+").unwrap_or(text)).map(Some),
    }
}

fn unescaped(text: &str) -> Option<String> {
    if text == "%_" {
        return Some(String::new());
    }
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
}
