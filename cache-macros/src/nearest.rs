//! Decides which known name a misspelt one was meant to be.

/// ``: did you mean `x`?`` for the name nearest to `wrong`, or nothing if none is near.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|name| (distance(&wrong.to_lowercase(), &name.to_lowercase()), name))
        // A slip for every three letters, so that something of a short name is left.
        .filter(|&(slips, name)| slips <= name.chars().count().div_ceil(3).min(2))
        .min()
        .map(|(_, name)| format!(": did you mean `{name}`?"))
        .unwrap_or_default()
}

/// How many letters must be added, removed, changed or swapped with the next to turn `from` into
/// `to`: the restricted Damerau-Levenshtein distance.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, distance};

    #[test]
    fn the_distance_counts_the_letters_to_change() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ttl"), 3);
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("verison", "version"), 1);
        assert_eq!(distance("di", "id"), 1);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["ttl", "tags", "version"];
        assert_eq!(did_you_mean("tll", known), ": did you mean `ttl`?");
        assert_eq!(did_you_mean("verison", known), ": did you mean `version`?");
        assert_eq!(did_you_mean("di", ["id"]), ": did you mean `id`?");
        assert_eq!(did_you_mean("TTL", known), ": did you mean `ttl`?");
        assert_eq!(did_you_mean("expiry", known), "");
        assert_eq!(did_you_mean("ttl", ["all", "tags"]), "");
        assert_eq!(did_you_mean("x", ["ab", "cd"]), "");
    }
}
