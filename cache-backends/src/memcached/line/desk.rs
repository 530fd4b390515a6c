//! Which caller gets which answers.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Call, Replies};
use crate::memcached::codec::Reply;

/// Who waits for what.
#[derive(Default)]
pub(super) struct Desk {
    /// In the order in which they came; those that have all they wait for are `None`.
    callers: VecDeque<Option<Caller>>,
    /// How many callers have left at the front: the number of the first that is there.
    left: usize,
    /// For whom the next answers are, in the order of the commands.
    expected: VecDeque<Expected>,
    /// How many answers have come: the number of the first that is expected.
    answered: usize,
    /// The questions that are not written yet, by their hashes: callers who ask the same share an
    /// answer.
    asked: HashMap<u64, Asked, BuildHasherDefault<Hashed>>,
    hasher: foldhash::fast::RandomState,
}

struct Caller {
    missing: usize,
    replies: Replies,
    answer: oneshot::Sender<Replies>,
}

/// A place in the replies of a caller.
#[derive(Clone, Copy)]
struct Place {
    caller: usize,
    at: usize,
}

struct Expected {
    first: Place,
    others: Vec<Place>,
}

/// A question that was asked: where it stands in what is to be written, and the number of its
/// answer.
struct Asked {
    start: usize,
    end: usize,
    answer: usize,
}

impl Desk {
    /// How many callers wait, or have waited behind one who does.
    pub(super) fn len(&self) -> usize {
        self.callers.len()
    }

    /// What is asked from now on shares no answer with what was asked before: that is on its way.
    pub(super) fn written(&mut self) {
        self.asked.clear();
    }

    pub(super) fn take(&mut self, Call { batch, answer }: Call, out: &mut Vec<u8>) {
        // Who has gone before anything was sent needs nothing sent.
        if batch.replies() == 0 || answer.is_closed() {
            return;
        }
        let caller = self.left + self.callers.len();
        if batch.questions().len() == 0 {
            out.extend_from_slice(batch.bytes());
            for at in 0..batch.replies() {
                self.expect(Place { caller, at });
            }
        }
        for (at, question) in batch.questions().enumerate() {
            self.ask(question, Place { caller, at }, out);
        }
        self.callers.push_back(Some(Caller {
            missing: batch.replies(),
            replies: vec![Reply::Missing; batch.replies()],
            answer,
        }));
    }

    /// Asks a question, unless it is asked already.
    fn ask(&mut self, question: &[u8], place: Place, out: &mut Vec<u8>) {
        let hash = self.hasher.hash_one(question);
        if let Some(asked) = self.asked.get(&hash)
            && out[asked.start..asked.end] == *question
            && let Some(ahead) = asked.answer.checked_sub(self.answered)
            && let Some(expected) = self.expected.get_mut(ahead)
        {
            expected.others.push(place);
            return;
        }
        let asked = Asked {
            start: out.len(),
            end: out.len() + question.len(),
            answer: self.answered + self.expected.len(),
        };
        self.asked.insert(hash, asked);
        out.extend_from_slice(question);
        self.expect(place);
    }

    fn expect(&mut self, first: Place) {
        let others = Vec::new();
        self.expected.push_back(Expected { first, others });
    }

    /// Gives an answer to those who wait for it. Who has all the answers goes.
    pub(super) fn deliver(&mut self, reply: Reply<&[u8]>) -> Result<(), String> {
        let Some(Expected { first, others }) = self.expected.pop_front() else {
            return Err("an answer came that nobody had asked for".to_owned());
        };
        self.answered += 1;
        if others.is_empty() && !self.waits(first) {
            self.fill(first, Reply::Missing);
            return Ok(());
        }
        let reply = reply.into_owned();
        for place in others {
            self.fill(place, reply.clone());
        }
        self.fill(first, reply);
        Ok(())
    }

    fn waits(&self, place: Place) -> bool {
        let caller = self.callers.get(place.caller - self.left);
        caller.is_some_and(|caller| {
            let caller = caller.as_ref();
            caller.is_some_and(|caller| !caller.answer.is_closed())
        })
    }

    fn fill(&mut self, place: Place, reply: Reply<Bytes>) {
        let slot = &mut self.callers[place.caller - self.left];
        if let Some(caller) = slot {
            caller.replies[place.at] = reply;
            caller.missing -= 1;
            if caller.missing > 0 {
                return;
            }
        }
        if let Some(caller) = slot.take() {
            // Whoever is gone needs no answer.
            let _ = caller.answer.send(caller.replies);
        }
        while self.callers.front().is_some_and(Option::is_none) {
            self.callers.pop_front();
            self.left += 1;
        }
    }
}

/// Takes a hash for what it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("hashes are 64 bits");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memcached::codec::{Batch, Flags, Name};

    /// A caller who asks for these names, at a desk that writes to `out`.
    fn ask(desk: &mut Desk, out: &mut Vec<u8>, names: &[&str]) -> oneshot::Receiver<Replies> {
        let names: Vec<_> = names.iter().map(|name| Name::new(name).unwrap()).collect();
        let (answer, replies) = oneshot::channel();
        let batch = Batch::gets(&names);
        desk.take(Call { batch, answer }, out);
        replies
    }

    fn deliver(desk: &mut Desk, values: &[&str]) {
        for value in values {
            let reply = Reply::Value(value.as_bytes(), Flags::default());
            desk.deliver(reply).unwrap();
        }
    }

    fn values(mut replies: oneshot::Receiver<Replies>) -> Vec<String> {
        let replies = replies.try_recv().expect("all answers are there");
        let text = |reply: Reply<Bytes>| match reply {
            Reply::Value(bytes, _) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        };
        replies.into_iter().map(text).collect()
    }

    /// As when the line takes no more bytes for a while: what is asked stays unwritten, while
    /// earlier questions are answered.
    #[test]
    fn an_answer_is_shared_also_while_earlier_ones_come_in() {
        let (mut desk, mut out) = (Desk::default(), Vec::new());
        let first = ask(&mut desk, &mut out, &["a", "b", "c"]);
        desk.written();
        let second = ask(&mut desk, &mut out, &["group", "own"]);
        deliver(&mut desk, &["a", "b"]);
        let third = ask(&mut desk, &mut out, &["other", "group", "own"]);
        deliver(&mut desk, &["c", "group"]);
        let fourth = ask(&mut desk, &mut out, &["own"]);
        deliver(&mut desk, &["own", "other"]);
        assert_eq!(values(first), ["a", "b", "c"]);
        assert_eq!(values(second), ["group", "own"]);
        assert_eq!(values(third), ["other", "group", "own"]);
        assert_eq!(values(fourth), ["own"]);
        let asked = b"mg a v\r\nmg b v\r\nmg c v\r\nmg group v\r\nmg own v\r\nmg other v\r\n";
        assert_eq!(out, asked);
        assert_eq!(desk.len(), 0);
    }

    #[test]
    fn what_was_written_is_asked_again() {
        let (mut desk, mut out) = (Desk::default(), Vec::new());
        let first = ask(&mut desk, &mut out, &["group"]);
        desk.written();
        let second = ask(&mut desk, &mut out, &["group"]);
        deliver(&mut desk, &["old", "new"]);
        assert_eq!(
            (values(first), values(second)),
            (vec!["old".into()], vec!["new".into()])
        );
    }

    /// A server that answers more than it was asked is given up, and does no harm until then.
    #[test]
    fn answers_to_what_is_not_written_yet_do_not_panic() {
        let (mut desk, mut out) = (Desk::default(), Vec::new());
        let _first = ask(&mut desk, &mut out, &["group"]);
        deliver(&mut desk, &["too soon"]);
        let _second = ask(&mut desk, &mut out, &["group"]);
        deliver(&mut desk, &["group"]);
        assert!(desk.deliver(Reply::Noop).is_err());
    }
}
