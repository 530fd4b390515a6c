//! How requests of many callers share one connection, and how each gets its own answers.
//!
//! One task owns the socket. It writes what callers have queued, together, and gives the answers
//! out in the order in which it has written: by then it is no longer the callers' business, so a
//! caller who goes away shifts nothing. Its answers are read and thrown away.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::{
    codec::{Batch, Malformed, Reply, parse},
    leases::Leases,
};
use crate::link::{Ended, Fault};

/// Requests that wait to be written: more than callers of one busy process, so that none of
/// them waits for a place.
const QUEUE: usize = 1024;
/// So many bytes are gathered before they are written.
const GATHER: usize = 256 * 1024;
/// So many callers wait for answers; later ones wait in the queue.
const WAITING: usize = 16 * 1024;
/// How much is read at once, and how much room is kept while nothing is read.
const CHUNK: usize = 16 * 1024;

pub(super) type Replies = Vec<Reply<Bytes>>;

/// A connection, as its callers hold it. When the last of them lets go of it, it is closed.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: mpsc::Sender<Call>,
    why: Arc<OnceLock<String>>,
    leases: Leases,
    task: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug)]
struct Call {
    batch: Batch,
    answer: oneshot::Sender<Replies>,
}

impl Line {
    /// Takes a connection on which nothing is under way. `ended` is told when it ends.
    pub(super) fn start<S>(stream: S, ended: Ended) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (calls, queue) = mpsc::channel(QUEUE);
        let why = Arc::new(OnceLock::new());
        let told = Arc::clone(&why);
        let task = tokio::spawn(async move {
            let mut wire = Wire::new(stream, queue);
            let end = poll_fn(|context| wire.poll(context)).await;
            // Before the callers hear that there is no answer for them.
            let end = told.get_or_init(|| end);
            ended.tell(end);
        });
        Self(Arc::new(Inner {
            calls,
            why,
            leases: Leases::default(),
            task: task.abort_handle(),
        }))
    }

    /// Sends a batch and gives an answer for each of its commands.
    ///
    /// # Errors
    ///
    /// [`Fault::Broken`]. What was asked may have been done all the same.
    pub(super) async fn ask(&self, batch: Batch) -> Result<Replies, Fault> {
        let (answer, replies) = oneshot::channel();
        let sent = self.0.calls.send(Call { batch, answer }).await;
        if sent.is_ok()
            && let Ok(replies) = replies.await
        {
            return Ok(replies);
        }
        let why = self.0.why.get().map_or("it was given up", String::as_str);
        Err(Fault::Broken(why.into()))
    }

    /// What this connection was told of the leases that were taken on it.
    pub(super) fn leases(&self) -> &Leases {
        &self.0.leases
    }
}

/// The work of the task that owns the socket.
struct Wire<S> {
    stream: S,
    queue: mpsc::Receiver<Call>,
    /// Gathered, and from `written` on still to be written.
    out: Vec<u8>,
    written: usize,
    /// Whether the stream may hold back what it took, as one that encrypts does.
    flushing: bool,
    input: Inbox,
    desk: Desk,
    /// Whether this turn has waited for company.
    waited: bool,
}

/// Whether something was done, so that more can follow.
type Progress = Result<bool, String>;

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(stream: S, queue: mpsc::Receiver<Call>) -> Self {
        Self {
            stream,
            queue,
            out: Vec::with_capacity(CHUNK),
            written: 0,
            flushing: false,
            input: Inbox::new(),
            desk: Desk::default(),
            waited: false,
        }
    }

    /// Goes on until nothing can be done but wait; ready with the reason when there is an end.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<String> {
        loop {
            match self.turn(context) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(why) => return Poll::Ready(why),
            }
        }
    }

    fn turn(&mut self, context: &mut Context<'_>) -> Progress {
        let gathered = self.gather(context)?;
        // Where one of several callers has come, others are about to: they run first.
        if gathered && !self.waited && self.desk.callers.len() > 1 {
            self.waited = true;
            context.waker().wake_by_ref();
            return Ok(false);
        }
        self.waited = false;
        let written = self.write(context)?;
        let read = self.read(context)?;
        Ok(gathered | written | read)
    }

    fn gather(&mut self, context: &mut Context<'_>) -> Progress {
        let mut gathered = false;
        while self.out.len() < GATHER && self.desk.callers.len() < WAITING {
            match self.queue.poll_recv(context) {
                Poll::Ready(Some(call)) => {
                    gathered = true;
                    self.desk.take(call, &mut self.out);
                }
                Poll::Ready(None) => return Err("it was given up".to_owned()),
                Poll::Pending => break,
            }
        }
        Ok(gathered)
    }

    fn write(&mut self, context: &mut Context<'_>) -> Progress {
        let stream = Pin::new(&mut self.stream);
        if self.written < self.out.len() {
            let count = match stream.poll_write(context, &self.out[self.written..]) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Ok(0)) => return Err(closed()),
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) => return Err(error.to_string()),
            };
            self.written += count;
            // Whoever comes from now on may not be given an answer to what was asked before.
            self.desk.asked.clear();
            if self.written == self.out.len() {
                self.out.clear();
                self.out.shrink_to(2 * GATHER);
                self.written = 0;
                self.flushing = true;
            }
            return Ok(true);
        }
        if self.flushing {
            match stream.poll_flush(context) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.flushing = false,
                Poll::Ready(Err(error)) => return Err(error.to_string()),
            }
        }
        Ok(false)
    }

    fn read(&mut self, context: &mut Context<'_>) -> Progress {
        match self.input.fill(&mut self.stream, context) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(error.to_string()),
            Poll::Ready(Ok(0)) => return Err(closed()),
            Poll::Ready(Ok(_)) => {}
        }
        let mut used = 0;
        while let Some((reply, length)) = parse(&self.input.bytes()[used..]).map_err(garbled)? {
            used += length;
            if let Reply::Confused(words) = &reply {
                return Err(format!("the server does not understand: {words}"));
            }
            self.desk.deliver(reply)?;
        }
        self.input.consume(used);
        Ok(true)
    }
}

/// Who waits for what.
#[derive(Default)]
struct Desk {
    /// In the order in which they came; those that have all they wait for are `None`.
    callers: VecDeque<Option<Caller>>,
    /// How many callers have left at the front: the number of the first that is there.
    left: usize,
    /// For whom the next answers are, in the order of the commands.
    expected: VecDeque<Expected>,
    /// How many answers have come: the number of the first that is expected.
    answered: usize,
    /// The questions of this round, by their hashes: callers who ask the same share an answer.
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

/// A question that is still to be written: where it stands, and the number of its answer.
struct Asked {
    start: usize,
    end: usize,
    answer: usize,
}

impl Desk {
    fn take(&mut self, Call { batch, answer }: Call, out: &mut Vec<u8>) {
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
            // Answers to earlier questions have come meanwhile, perhaps.
            && let Some(at) = asked.answer.checked_sub(self.answered)
            && let Some(expected) = self.expected.get_mut(at)
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
    fn deliver(&mut self, reply: Reply<&[u8]>) -> Result<(), String> {
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

fn closed() -> String {
    "closed by the server".to_owned()
}

fn garbled(malformed: Malformed) -> String {
    match malformed {
        Malformed::TooLong => "an answer was too long".to_owned(),
        Malformed::Nonsense => {
            "an answer made no sense: is this memcached 1.6 or later?".to_owned()
        }
    }
}

/// What was read and is not an answer yet.
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn new() -> Self {
        Self {
            bytes: vec![0; CHUNK],
            start: 0,
            end: 0,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > 4 * CHUNK {
                self.bytes.truncate(CHUNK);
                self.bytes.shrink_to_fit();
            }
        }
    }

    /// Reads once. Room grows with what has come, never with what was announced.
    fn fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            if self.end > self.bytes.len() / 2 {
                self.bytes.resize(2 * self.bytes.len(), 0);
            }
        }
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        match Pin::new(stream).poll_read(context, &mut room) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let count = room.filled().len();
                self.end += count;
                Poll::Ready(Ok(count))
            }
        }
    }
}

#[cfg(test)]
mod tests;
