//! How names are compared: without case and accents, from their start.

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A city's name, or the start of one that somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Name {
    /// As it is written: `São Paulo`.
    pub text: String,
    /// As it is compared: `sao paulo`.
    pub folded: String,
    /// The first two characters of `folded`. A search needs at least two, so a name can only
    /// be found by searches of the same start: the group that a change of the name invalidates.
    pub start: String,
}

impl Name {
    /// How many characters a search needs.
    pub const START: usize = 2;
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        let folded: String = text
            .nfd()
            .filter(|character| !is_combining_mark(*character))
            .flat_map(char::to_lowercase)
            .collect();
        let folded = folded.trim().to_owned();
        let start = folded.chars().take(Self::START).collect();
        Self {
            text: text.trim().to_owned(),
            folded,
            start,
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.text
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_compared_without_case_and_accents() {
        let name = Name::from(" São Paulo ");
        assert_eq!(name.text, "São Paulo");
        assert_eq!(name.folded, "sao paulo");
        assert_eq!(name.start, "sa");
        assert_eq!(Name::from("İZMİR").folded, "izmir");
    }

    #[test]
    fn a_name_of_one_character_has_a_start_all_the_same() {
        assert_eq!(Name::from("Å").start, "a");
        assert_eq!(Name::from("").start, "");
    }
}
