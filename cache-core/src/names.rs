//! How keys and groups are named: in the fence, in a far store, and on the feed.

use std::fmt::Write as _;

use crate::key::slot_text;

/// What comes before all names of one cache in a store that others use too.
#[derive(Debug, Clone)]
pub(crate) struct Namespace(Box<str>);

/// The group of a whole namespace.
pub(crate) const ALL: &str = "n";

/// The group of a prefix.
pub(crate) fn prefix_group(prefix: &str) -> String {
    format!("p:{prefix}")
}

/// The group of a tag.
pub(crate) fn tag_group(tag: &str) -> String {
    format!("t:{tag}")
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

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The slot of a key: its entry or lease.
    pub(crate) fn slot(&self, key: &str) -> String {
        self.name(":e:", key)
    }

    /// The stamp of a group.
    pub(crate) fn stamp(&self, group: &str) -> String {
        self.name(":g:", group)
    }

    /// Where invalidations are published.
    pub(crate) fn channel(&self) -> String {
        format!("{}:feed", self.0)
    }

    /// What all slots start with.
    pub(crate) fn slots(&self) -> String {
        format!("{}:e:", self.0)
    }

    fn name(&self, kind: &str, text: &str) -> String {
        let text = slot_text(text);
        let mut name = String::with_capacity(self.0.len() + kind.len() + text.len());
        write!(name, "{}{kind}{text}", self.0).expect("a string takes all");
        name
    }
}
