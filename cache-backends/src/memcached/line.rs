//! How requests of many callers share one connection, and how each gets its own answers.
//!
//! One task owns the socket. It writes what callers have queued, together, and gives the answers
//! out in the order in which it has written: by then it is no longer the callers' business, so a
//! caller who goes away shifts nothing. Its answers are read and thrown away.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use self::{desk::Desk, inbox::Inbox};
use super::{
    codec::{Batch, Malformed, Reply, parse},
    leases::Leases,
};
use crate::link::{Ended, Fault};

mod desk;
mod inbox;

/// Requests that wait to be written: more than callers of one busy process, so that none of
/// them waits for a place.
const QUEUE: usize = 1024;
/// So many bytes are gathered before they are written.
const GATHER: usize = 256 * 1024;
/// So many callers wait for answers; later ones wait in the queue.
const WAITING: usize = 16 * 1024;
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
            out: Vec::new(),
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
        if gathered && !self.waited && self.desk.len() > 1 {
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
        while self.out.len() < GATHER && self.desk.len() < WAITING {
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
            self.desk.written();
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

#[cfg(test)]
mod tests;
