//! How keys and groups are named: in the fence, in a far store, and on the feed.

use std::borrow::Cow;

use crate::key::slot_text;

/// What comes before all names of one cache in a store that others use too.
#[derive(Debug, Clone)]
pub(crate) struct Namespace(Box<str>);

/// The group of a whole namespace.
pub(crate) const ALL: &str = "n";

/// What a namespace may be.
pub(crate) const NAMESPACE: &str = "write 1 to 40 letters, digits, `-`, `_`, `.` or `:`, with neither `e` nor `g` alone behind a `:`";

const SLOT: &str = ":e:";
const STAMP: &str = ":g:";
const PREFIX: &str = "p:";
const TAG: &str = "t:";

/// The group of a prefix.
pub(crate) fn prefix_group(prefix: &str) -> String {
    format!("{PREFIX}{prefix}")
}

/// The group of a tag.
pub(crate) fn tag_group(tag: &str) -> String {
    format!("{TAG}{tag}")
}

/// The prefix that a group is of.
#[cfg(feature = "testkit")]
pub(crate) fn prefix_of(group: &str) -> Option<&str> {
    group.strip_prefix(PREFIX)
}

/// The tag that a group is of.
#[cfg(feature = "testkit")]
pub(crate) fn tag_of(group: &str) -> Option<&str> {
    group.strip_prefix(TAG)
}

/// The groups of a key, without the namespace: its proper prefixes and its tags.
pub(crate) fn groups(key: &str, tags: &[String]) -> Vec<String> {
    crate::key::groups(key)
        .map(prefix_group)
        .chain(tags.iter().map(|tag| tag_group(tag)))
        .collect()
}

impl Namespace {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether a cache may be called so.
    ///
    /// With `e` or `g` in it, it could be the namespace of another cache and the beginning of
    /// that one's keys: `shop` has the key `e:users`, and `shop:e` the key `users`.
    pub(crate) fn may_be(text: &str) -> bool {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let own = |segment: &str| [SLOT, STAMP].contains(&&*format!(":{segment}:"));
        (1..=40).contains(&text.len())
            && text.chars().all(fine)
            && !text.split(':').skip(1).any(own)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The slot of a key: its entry or lease.
    pub(crate) fn slot(&self, key: &str) -> String {
        let mut name = String::new();
        self.push(&mut name, SLOT, [key, ""]);
        name
    }

    /// The stamp of a group.
    pub(crate) fn stamp(&self, group: &str) -> String {
        let mut name = String::new();
        self.push(&mut name, STAMP, [group, ""]);
        name
    }

    /// All names of a key with these tags, one behind the other, and where each ends: its slot,
    /// then the stamps of the namespace, its prefixes and its tags.
    pub(crate) fn all(&self, key: &str, tags: &[String]) -> (String, Vec<usize>) {
        let groups = crate::key::groups(key).map(|prefix| [PREFIX, prefix]);
        let tags = tags.iter().map(|tag| [TAG, tag.as_str()]);
        let stamps = std::iter::once([ALL, ""]).chain(groups).chain(tags);
        let mut names = String::with_capacity(4 * (self.0.len() + SLOT.len() + key.len()));
        self.push(&mut names, SLOT, [key, ""]);
        let mut ends = Vec::with_capacity(4);
        ends.push(names.len());
        for stamp in stamps {
            self.push(&mut names, STAMP, stamp);
            ends.push(names.len());
        }
        (names, ends)
    }

    /// Where invalidations are published.
    pub(crate) fn channel(&self) -> String {
        format!("{}:feed", self.0)
    }

    /// What all slots start with.
    pub(crate) fn slots(&self) -> String {
        format!("{}{SLOT}", self.0)
    }

    fn push(&self, names: &mut String, kind: &str, text: [&str; 2]) {
        names.extend([&self.0, kind]);
        let start = names.len();
        names.extend(text);
        if let Cow::Owned(short) = slot_text(&names[start..]) {
            names.truncate(start);
            names.push_str(&short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_namespaces_share_a_name() {
        let namespaces = [
            "shop", "shop:e", "shop:g", "shop:e:x", "shop:x", "e", "shop:E", "e:shop",
        ];
        let keys = [
            "users:7",
            "e:users:7",
            "e:e:users:7",
            "x:e:users:7",
            "g:p:users",
            "p:users",
        ];
        let mut seen = std::collections::HashMap::new();
        let may = namespaces.iter().filter(|text| Namespace::may_be(text));
        for (text, key) in may.flat_map(|text| keys.map(|key| (text, key))) {
            let names = Namespace::new(text);
            for name in [names.slot(key), names.stamp(key)] {
                let before = seen.insert(name.clone(), text);
                assert_eq!(before, None, "{name} is a name of {text} too");
            }
        }
        assert!(Namespace::may_be("e") && Namespace::may_be("shop:E"));
    }

    #[test]
    fn no_name_is_longer_than_stores_take() {
        let names = Namespace::new(&"n".repeat(40));
        for length in [1, 100, 155, 156, 157, 4_000] {
            let (all, ends) =
                names.all(&format!("{}:a", "k".repeat(length)), &["t".repeat(length)]);
            let starts = std::iter::once(&0).chain(&ends);
            for (start, end) in starts.zip(&ends) {
                assert!(end - start <= 200, "{}", &all[*start..*end]);
            }
            assert_eq!(ends.len(), 4, "slot, namespace, prefix, tag");
        }
    }

    #[test]
    fn names_together_are_names_one_by_one() {
        let names = Namespace::new("shop:prod");
        let key = "users:a b:posts";
        let tags = ["team:1".to_owned(), "x y".to_owned()];
        let (all, ends) = names.all(key, &tags);
        let groups = groups(key, &tags);
        let stamps = groups.iter().map(|group| names.stamp(group));
        let whole: String = [names.slot(key), names.stamp(ALL)]
            .into_iter()
            .chain(stamps)
            .collect();
        assert_eq!(all, whole);
        assert_eq!(ends.len(), groups.len() + 2);
    }
}
