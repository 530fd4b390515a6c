//! What a key's text means: its groups, what may be written by hand, and its name in a store.

use std::{borrow::Cow, fmt::Write as _};

use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, ErrorKind, Result};

/// The longest key, prefix or tag, in bytes.
const LONGEST: usize = 4_096;

/// The most segments of a key; each begins one group.
const MOST_SEGMENTS: usize = 16;

/// The longest name that goes to a store as it is, in bytes.
const LONGEST_NAME: usize = 156;

/// How much of a longer one stays readable, in bytes.
const READABLE: usize = 110;

/// The groups that `text` belongs to by its own segments: its proper prefixes at each `:`, the
/// shortest first.
pub(crate) fn groups(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(':')
        .map(|(at, _)| &text[..at])
        .filter(|group| !group.is_empty())
}

/// Checks a key or a tag, wherever it came from.
///
/// # Errors
///
/// [`ErrorKind::Config`] if it is empty, longer than 4,096 bytes, has more than 16 segments or
/// holds a control character. The text itself is not repeated.
pub(crate) fn check(text: &str) -> Result<()> {
    let wrong = |what: &str| Err(Error::new(ErrorKind::Config, what));
    if text.is_empty() {
        return wrong("a key, prefix or tag is empty: name what it stands for");
    }
    if text.len() > LONGEST {
        return wrong(
            "a key, prefix or tag is longer than 4096 bytes: shorten its longest value with \
             `<value:hash>`",
        );
    }
    if text.contains(char::is_control) {
        return wrong(
            "a key, prefix or tag holds a control character: write values as `<value>`, which \
             escapes them",
        );
    }
    if text.split(':').nth(MOST_SEGMENTS).is_some() {
        return wrong(
            "a key, prefix or tag has more than 16 segments: join some of them with another \
             character than `:`",
        );
    }
    Ok(())
}

/// The group that a prefix means: `users`, `users:` and `users:*` are all `users`.
///
/// # Errors
///
/// As [`check`], and [`ErrorKind::Config`] for any other wildcard: groups are compared whole.
pub(crate) fn prefix(text: &str) -> Result<&str> {
    let group = text.strip_suffix('*').filter(|rest| rest.ends_with(':'));
    let group = group.unwrap_or(text);
    let group = group.strip_suffix(':').unwrap_or(group);
    check(group)?;
    if group.contains(['*', '?', '[']) {
        return Err(Error::new(
            ErrorKind::Config,
            "a prefix holds a wildcard: end it at a segment (`users` or `users:*`), or sweep by \
             pattern as maintenance",
        ));
    }
    Ok(group)
}

/// The name of a key in a store that wants at most 156 bytes (200 with what stands before it) without white space and control
/// characters: the text itself, or its readable beginning, `~` and a 128-bit hash.
///
/// A text that holds a `~` is always hashed, so that no key can be written to look like the
/// name of another. The hash does not decide: whoever reads compares the full key.
pub(crate) fn slot_text(full: &str) -> Cow<'_, str> {
    let unsafe_char = |c: char| c == '~' || c.is_whitespace() || c.is_control();
    if full.len() <= LONGEST_NAME && !full.contains(unsafe_char) {
        return Cow::Borrowed(full);
    }
    let readable = &full[..cut(full, READABLE)];
    let mut name = String::with_capacity(LONGEST_NAME);
    name.extend(
        readable
            .chars()
            .map(|c| if unsafe_char(c) { '_' } else { c }),
    );
    let hash = xxh3_128(full.as_bytes());
    write!(name, "~{hash:032x}").expect("a string takes any text");
    Cow::Owned(name)
}

/// Where to cut so that at most `most` bytes stay and neither a character nor a `%XX` is torn.
fn cut(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let char = (0..=most)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .expect("zero is a boundary");
    match text[..char].rfind('%') {
        Some(escape) if char - escape < 3 => escape,
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_key_are_its_proper_prefixes() {
        let all = |text| groups(text).collect::<Vec<_>>();
        assert_eq!(all("users:42:posts"), ["users", "users:42"]);
        assert_eq!(all("users"), [""; 0]);
        assert_eq!(all("users:"), ["users"]);
        assert_eq!(all(":x"), [""; 0]);
    }

    #[test]
    fn keys_that_cannot_work_are_refused_without_being_repeated() {
        let long = "secret".repeat(1_000);
        let deep = "secret:".repeat(16) + "x";
        for wrong in ["", "secret\n", "secret\u{7f}", "secret\u{85}", &long, &deep] {
            let error = check(wrong).expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for right in ["a", "users:1", "größe: 1 %", &long[..4_096], &deep[7..]] {
            check(right).expect(right);
        }
    }

    #[test]
    fn a_trailing_wildcard_means_the_prefix_before_it_and_no_other_is_taken() {
        for same in ["users:by_id", "users:by_id:", "users:by_id:*"] {
            assert_eq!(prefix(same).expect(same), "users:by_id");
        }
        for wrong in ["users*", "us?rs", "users:[ab]", "*", ":*", "users:**", ""] {
            let error = prefix(wrong).expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn short_safe_keys_are_their_own_names() {
        for text in ["users:42:(a%20b,)", &"ä".repeat(78)] {
            assert!(matches!(slot_text(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn long_and_unsafe_keys_get_short_safe_names_of_their_own() {
        let mut texts: Vec<String> = (0..200)
            .map(|n| "x".repeat(n) + &"%F0".repeat(70))
            .collect();
        texts.extend((0..4).map(|n| "x".repeat(n) + &"🦀".repeat(60)));
        texts.extend(["a b", "a\tb", "a\u{2003}b", "a_b~", "a\nb"].map(str::to_owned));
        let mut names = std::collections::HashSet::new();
        for text in &texts {
            let name = slot_text(text);
            let (readable, hash) = name.rsplit_once('~').expect("a hash");
            assert!(name.len() <= LONGEST_NAME, "{name}");
            assert!(!name.contains(char::is_whitespace) && !name.contains(char::is_control));
            assert_eq!(hash.len(), 32);
            assert!(readable.len() > READABLE - 4 || text.len() < LONGEST_NAME);
            let torn = &readable[readable.rfind('%').unwrap_or(0)..];
            assert!(!torn.starts_with('%') || torn.len() >= 3, "{name}");
            assert!(names.insert(name.clone()), "{name}");
        }
    }

    #[test]
    fn no_key_looks_like_the_name_of_another() {
        let name = slot_text("a key with blanks").into_owned();
        assert_ne!(slot_text(&name), name);
    }
}
