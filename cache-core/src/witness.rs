//! Who is told of every step of a cache: a recording, in tests of those who use larder; nobody
//! otherwise, at no cost.

use crate::cache::Change;
#[cfg(feature = "testkit")]
use crate::testkit::Recording;

/// What happened to a key, or to what is invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(
    not(feature = "testkit"),
    allow(unreachable_pub, dead_code, reason = "the test kit shows it to users")
)]
pub enum What {
    /// The near tier had the value.
    HitNear,
    /// The far tier had the value.
    HitFar,
    /// Neither had it.
    Missed,
    /// Another caller's load answered a call that had missed.
    Joined,
    /// The function ran and gave a value.
    Loaded,
    /// The function ran for several keys together; of the first of them it is said that it was
    /// loaded, of each other this.
    LoadedAlong,
    /// The function ran and gave an error.
    Failed,
    /// The near tier got the value.
    StoredNear,
    /// The far tier got the value.
    StoredFar,
    /// A value was not stored: the key was invalidated meanwhile, or another process held the
    /// right.
    Refused,
    /// The far tier failed when it was asked.
    FarFailed,
    /// A key was invalidated.
    InvalidatedKey,
    /// Everything below a prefix was invalidated.
    InvalidatedPrefix,
    /// Everything with a tag was invalidated.
    InvalidatedTag,
    /// Everything was invalidated.
    Cleared,
    /// What matches a pattern was removed by a sweep.
    Swept,
}

/// A cache's witness.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness(
    #[cfg(feature = "testkit")] Option<Recording>,
    #[cfg(not(feature = "testkit"))] (),
);

impl Witness {
    #[cfg(feature = "testkit")]
    pub(crate) fn new(recording: Recording) -> Self {
        Self(Some(recording))
    }

    /// Tells of one step. `name` is the key, or what is invalidated.
    #[inline]
    pub(crate) fn note(&self, what: What, function: &str, name: &str) {
        #[cfg(feature = "testkit")]
        if let Some(recording) = &self.0 {
            recording.note(what, function, name);
        }
        #[cfg(not(feature = "testkit"))]
        let _ = (self, what, function, name);
    }

    /// Tells of an invalidation.
    pub(crate) fn note_change(&self, change: &Change) {
        #[cfg(feature = "testkit")]
        if let Some(recording) = &self.0 {
            recording.note_change(&change.keys, &change.groups);
        }
        #[cfg(not(feature = "testkit"))]
        let _ = (self, change);
    }
}
