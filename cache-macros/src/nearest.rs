//! Decides which known name a misspelt one was meant to be.

/// ``: did you mean `x`?`` for the name nearest to `wrong`, or nothing if none is near.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        // Two slips, but never so many that nothing of a short name is left.
        .filter(|&(slips, name)| slips <= 2 && slips < name.chars().count())
        .min()
        .map(|(_, name)| format!(": did you mean `{name}`?"))
        .unwrap_or_default()
}

/// How many letters must be added, removed or changed to turn `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, distance};

    #[test]
    fn the_distance_counts_the_letters_to_change() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ttl"), 3);
        assert_eq!(distance("ttl", "ttl"), 0);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["ttl", "tags", "version"];
        assert_eq!(did_you_mean("tll", known), ": did you mean `ttl`?");
        assert_eq!(did_you_mean("verison", known), ": did you mean `version`?");
        assert_eq!(did_you_mean("expiry", known), "");
        assert_eq!(did_you_mean("x", ["a", "b"]), "");
    }
}
