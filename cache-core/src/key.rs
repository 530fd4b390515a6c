//! How a key is spelt: the writer that macro expansions use, and the hash of the result.

#[cfg(feature = "axum")]
mod axum;
mod part;
mod text;

use std::{
    fmt,
    hash::{BuildHasher, Hasher},
    sync::OnceLock,
};

use arrayvec::ArrayString;

use crate::near::KeyRef;

pub use part::{KeyPart, hashed, lower};
pub(crate) use text::{check, groups, prefix, slot_text};

/// Keys up to this many bytes are written without allocating.
const INLINE: usize = 128;

/// The hash of a key or group in this process: randomly seeded, so that nobody outside can
/// choose collisions.
#[inline]
pub(crate) fn hash(text: &str) -> u64 {
    static SEED: OnceLock<foldhash::fast::RandomState> = OnceLock::new();
    let mut hasher = SEED
        .get_or_init(foldhash::fast::RandomState::default)
        .build_hasher();
    // Not `hash_one`: that would end the text with a byte that only composed keys need.
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Writes one key: literals of a template as they are, values escaped.
///
/// The first 128 bytes lie on the stack; a longer key moves to the heap.
///
/// ```
/// # use cache_core::KeyWriter;
/// let mut key = KeyWriter::new();
/// key.literal("users:");
/// key.part(&42);
/// key.literal(":posts:");
/// key.part("a:b*");
/// assert_eq!(key.as_str(), "users:42:posts:a%3Ab%2A");
/// ```
pub struct KeyWriter {
    inline: ArrayString<INLINE>,
    /// The whole text, once it is longer than `inline`; empty until then.
    spilled: String,
}

impl KeyWriter {
    /// An empty key.
    #[inline]
    pub fn new() -> Self {
        Self {
            inline: ArrayString::new_const(),
            spilled: String::new(),
        }
    }

    /// Writes text of the template as it is. Never for values: these go through
    /// [`part`](Self::part).
    #[inline]
    pub fn literal(&mut self, text: &str) {
        if !self.spilled.is_empty() || self.inline.try_push_str(text).is_err() {
            self.spill(text);
        }
    }

    /// Writes a value, escaped so that it holds no separator, wildcard, brace, quote, white
    /// space or control character.
    #[inline]
    pub fn part<T: KeyPart + ?Sized>(&mut self, value: &T) {
        value.write_key(self);
    }

    /// The text written so far.
    #[inline]
    pub fn as_str(&self) -> &str {
        if self.spilled.is_empty() {
            &self.inline
        } else {
            &self.spilled
        }
    }

    /// The key with its hash.
    #[inline]
    pub fn key(&self) -> KeyRef<'_> {
        let text = self.as_str();
        KeyRef {
            text,
            hash: hash(text),
        }
    }

    #[cold]
    fn spill(&mut self, text: &str) {
        if self.spilled.is_empty() {
            self.spilled.push_str(&self.inline);
        }
        self.spilled.push_str(text);
    }

    fn len(&self) -> usize {
        self.as_str().len()
    }

    /// Puts `mark` before what was written from byte `from` on.
    #[cold]
    fn insert(&mut self, from: usize, mark: &str) {
        let written = std::mem::take(self);
        let (head, tail) = written.as_str().split_at(from);
        for text in [head, mark, tail] {
            self.literal(text);
        }
    }
}

impl Default for KeyWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the length only: keys may hold what does not belong into a log.
impl fmt::Debug for KeyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyWriter")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_length_is_written_whole_in_any_pieces() {
        for piece in [1, 7, 127, 128, 129, 300] {
            let mut key = KeyWriter::new();
            let mut whole = String::new();
            while whole.len() < 400 {
                let text = "ü".repeat(piece);
                key.literal(&text);
                whole.push_str(&text);
                assert_eq!(key.as_str(), whole);
            }
        }
    }

    #[test]
    fn a_mark_goes_before_the_tail_also_across_the_spill() {
        for (head, len) in [
            ("", 1),
            ("", 127),
            ("", 200),
            ("head:", 121),
            ("head:", 200),
        ] {
            let tail = "x".repeat(len);
            let mut key = KeyWriter::new();
            key.literal(head);
            key.literal(&tail);
            key.insert(head.len(), "%+");
            assert_eq!(key.as_str(), format!("{head}%+{tail}"));
        }
    }

    #[test]
    fn equal_texts_have_equal_hashes_and_others_differ() {
        let spilled = "k".repeat(INLINE + 1);
        for text in ["", "users:1", "users:2", &spilled] {
            let mut key = KeyWriter::new();
            key.literal(text);
            assert_eq!(key.key().hash, hash(text));
        }
        assert_ne!(hash("users:1"), hash("users:2"));
        assert_ne!(hash(""), hash("\0"));
    }
}
