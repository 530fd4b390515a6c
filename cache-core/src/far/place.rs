//! Where a key lies in the far tier: all its names.

use super::{Far, TAG_END};

/// Where a key lies in the far tier: its slot, then the stamps of its namespace, its prefixes
/// and its tags.
#[derive(Debug)]
pub(crate) struct Place {
    /// All names, one behind the other.
    names: String,
    ends: Vec<usize>,
    /// The tags, as the envelope has them.
    pub(super) tags: String,
    /// How many of the names are stamps of tags.
    pub(super) tagged: usize,
}

impl Place {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.names[*start..*end])
    }

    pub(super) fn slot(&self) -> &str {
        &self.names[..self.ends[0]]
    }

    pub(super) fn stamps(&self) -> impl Iterator<Item = &str> {
        self.names().skip(1)
    }
}

impl Far {
    /// Where a key with these tags lies.
    pub(crate) fn place(&self, key: &str, tags: &[String]) -> Place {
        let (names, ends) = self.names.all(key, tags);
        Place {
            names,
            ends,
            tags: tags.join(TAG_END),
            tagged: tags.len(),
        }
    }
}
