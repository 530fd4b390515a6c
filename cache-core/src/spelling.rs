//! Decides which known text a misspelt one was meant to be.

/// The text of `known` that is nearest to `wrong`, if one is near: two slips at most, and one for
/// every three letters.
#[inline]
pub(crate) fn nearest(wrong: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    known
        .into_iter()
        .map(|text| (slips(wrong, &text), text))
        .filter(|(slips, text)| (1..=text.len().div_ceil(3).min(2)).contains(slips))
        .min()
        .map(|(_, text)| text)
}

/// How many letters must be added, removed or changed to turn `from` into `to`.
#[inline]
pub(crate) fn slips(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in to.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{nearest, slips};

    #[test]
    fn slips_are_letters_added_removed_and_changed() {
        assert_eq!(slips("kitten", "sitting"), 3);
        assert_eq!(slips("", "users"), 5);
        assert_eq!(slips("users", ""), 5);
        assert_eq!(slips("usres", "users"), 2);
        assert_eq!(slips("users", "users"), 0);
    }

    #[test]
    fn only_a_near_text_is_meant() {
        let known = || ["users", "teams", "users:<id>"].map(str::to_owned);
        assert_eq!(nearest("user", known()).as_deref(), Some("users"));
        assert_eq!(nearest("usrs:<id>", known()).as_deref(), Some("users:<id>"));
        assert_eq!(nearest("orders", known()), None);
        assert_eq!(nearest("users", ["users".to_owned()]), None, "no slip");
    }
}
