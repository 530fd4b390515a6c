//! Whether somebody else changed a key while a write of it ran in this process.
//!
//! A function that writes learns the key of what it wrote, and so its groups, only when it has
//! ended. So while any such function runs, all changes are noted; afterwards each function looks
//! whether one of them, since it began, was of its own key. Nothing is noted while none runs.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::AtomicU64 as Plain,
};

use crate::{
    names::ALL,
    sync::{Arc, AtomicU64, Mutex, Ordering, lock},
};

/// The most changes that are remembered. What a function missed counts as a change of its key.
const MOST: usize = 4_096;

/// One call of a function that writes, to tell its own changes from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writer(u64);

impl Writer {
    /// Stands for whatever is no such call.
    pub(crate) const NOBODY: Self = Self(0);

    /// Another call than any before.
    #[must_use]
    pub fn one_more() -> Self {
        static NEXT: Plain = Plain::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What was changed in one cache while writes ran.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// How many writes run: what a change looks at first.
    running: AtomicU64,
    notes: Mutex<Notes>,
}

/// Changed keys and groups by their hashes: a collision is one needless suspicion.
#[derive(Debug, Default)]
struct Notes {
    changes: VecDeque<(u64, Writer)>,
    /// How many changes were noted before the first of these.
    forgotten: u64,
    /// How many running writes began after so many changes.
    began: BTreeMap<u64, usize>,
}

impl Journal {
    /// Notes from now on what is changed, until the answer is dropped.
    pub(crate) fn open(self: &Arc<Self>, writer: Writer) -> Open {
        self.running.fetch_add(1, Ordering::SeqCst);
        let mut notes = lock(&self.notes);
        let since = notes.count();
        *notes.began.entry(since).or_default() += 1;
        drop(notes);
        Open {
            journal: self.clone(),
            writer,
            since,
        }
    }

    /// Notes a change of a key or a group, before it is made or with its lock held.
    pub(crate) fn note(&self, hash: u64, writer: Writer) {
        if self.running.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut notes = lock(&self.notes);
        if notes.began.is_empty() {
            return;
        }
        if notes.changes.len() == MOST {
            notes.changes.pop_front();
            notes.forgotten += 1;
        }
        notes.changes.push_back((hash, writer));
    }

    /// Notes a change of everything.
    pub(crate) fn note_all(&self, writer: Writer) {
        self.note(crate::key::hash(ALL), writer);
    }
}

impl Notes {
    fn count(&self) -> u64 {
        self.forgotten + self.changes.len() as u64
    }
}

/// One write on its way.
#[derive(Debug)]
pub(crate) struct Open {
    journal: Arc<Journal>,
    pub(crate) writer: Writer,
    since: u64,
}

impl Open {
    /// Whether somebody else changed one of these keys and groups since the write began.
    pub(crate) fn overtaken(&self, hashes: &[u64]) -> bool {
        let notes = lock(&self.journal.notes);
        let Some(skip) = self.since.checked_sub(notes.forgotten) else {
            return true;
        };
        let skip = usize::try_from(skip).expect("as many are remembered");
        notes
            .changes
            .iter()
            .skip(skip)
            .any(|(hash, writer)| *writer != self.writer && hashes.contains(hash))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut notes = lock(&self.journal.notes);
        if let Some(count) = notes.began.get_mut(&self.since) {
            *count -= 1;
            if *count == 0 {
                notes.began.remove(&self.since);
            }
        }
        // What nobody will ask for is forgotten.
        let first = notes.began.first_key_value().map(|(since, _)| *since);
        let first = first.unwrap_or_else(|| notes.count());
        while notes.forgotten < first && notes.changes.pop_front().is_some() {
            notes.forgotten += 1;
        }
        if notes.changes.is_empty() {
            notes.changes.shrink_to(0);
        }
        drop(notes);
        self.journal.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    const A: u64 = 1;
    const B: u64 = 2;

    fn noted(journal: &Journal) -> usize {
        lock(&journal.notes).changes.len()
    }

    #[test]
    fn a_write_is_overtaken_by_a_change_of_others_while_it_runs() {
        let journal = Arc::new(Journal::default());
        journal.note(A, Writer::NOBODY);
        let open = journal.open(Writer::one_more());
        assert!(!open.overtaken(&[A]), "that was before");
        journal.note(B, Writer::NOBODY);
        assert!(!open.overtaken(&[A]), "that was another key");
        journal.note(A, open.writer);
        assert!(!open.overtaken(&[A]), "that was its own");
        let later = journal.open(Writer::one_more());
        journal.note(A, later.writer);
        assert!(open.overtaken(&[A]));
        assert!(!later.overtaken(&[A, B]));
    }

    #[test]
    fn nothing_is_remembered_for_nobody() {
        let journal = Arc::new(Journal::default());
        journal.note(A, Writer::NOBODY);
        assert_eq!(noted(&journal), 0);
        let first = journal.open(Writer::one_more());
        journal.note(A, Writer::NOBODY);
        let second = journal.open(Writer::one_more());
        journal.note(B, Writer::NOBODY);
        drop(first);
        assert_eq!(noted(&journal), 1, "what the second may ask for");
        assert!(second.overtaken(&[B]) && !second.overtaken(&[A]));
        drop(second);
        assert_eq!(noted(&journal), 0);
        assert_eq!(journal.running.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_was_forgotten_counts_as_a_change_of_every_key() {
        let journal = Arc::new(Journal::default());
        let open = journal.open(Writer::one_more());
        for _ in 0..MOST {
            journal.note(B, Writer::NOBODY);
        }
        assert!(!open.overtaken(&[A]));
        journal.note(B, Writer::NOBODY);
        assert_eq!(noted(&journal), MOST);
        assert!(open.overtaken(&[A]));
        assert!(!journal.open(Writer::one_more()).overtaken(&[A, B]));
    }
}
