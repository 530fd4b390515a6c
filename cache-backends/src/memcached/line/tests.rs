//! What a peer of real bytes cannot be made to do at a chosen moment: to take no more for a while.

use std::task::Waker;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{
    super::codec::{Flags, Name},
    *,
};

/// A connection that is polled by hand, and its other end.
struct Bench {
    wire: Wire<DuplexStream>,
    calls: mpsc::Sender<Call>,
    peer: DuplexStream,
}

impl Bench {
    /// The peer takes so many bytes before it has to read.
    fn new(room: usize) -> Self {
        let (stream, peer) = duplex(room);
        let (calls, queue) = mpsc::channel(QUEUE);
        Self {
            wire: Wire::new(stream, queue),
            calls,
            peer,
        }
    }

    fn get(&self, name: &str) -> oneshot::Receiver<Replies> {
        let (answer, replies) = oneshot::channel();
        let batch = Batch::gets(&[Name::new(name).unwrap()]);
        self.calls.try_send(Call { batch, answer }).unwrap();
        replies
    }

    /// Lets the connection do all it can.
    fn drive(&mut self) {
        for _ in 0..8 {
            let mut context = Context::from_waker(Waker::noop());
            assert_eq!(self.wire.poll(&mut context), Poll::Pending);
        }
    }

    /// Reads `names` questions, one after the other, and answers each with its name.
    fn answer(&mut self, names: usize) {
        let mut context = Context::from_waker(Waker::noop());
        let (mut line, mut left) = (Vec::new(), names);
        while left > 0 {
            self.drive();
            let mut byte = [0];
            let peer = &mut self.peer;
            let read = Box::pin(peer.read_exact(&mut byte))
                .as_mut()
                .poll(&mut context);
            assert!(read.is_ready(), "{line:?} and no more was asked");
            line.push(byte[0]);
            if let Some(name) = line
                .strip_prefix(b"mg ")
                .and_then(|line| line.strip_suffix(b" v\r\n"))
            {
                let head = format!("VA {}\r\n", name.len());
                let answer = [head.as_bytes(), name, b"\r\n"].concat();
                let write = Box::pin(self.peer.write_all(&answer))
                    .as_mut()
                    .poll(&mut context);
                assert!(write.is_ready());
                (line, left) = (Vec::new(), left - 1);
            }
        }
        self.drive();
    }
}

#[test]
fn answers_that_come_while_questions_wait_to_be_written_shift_nothing() {
    let mut bench = Bench::new(64);
    let first = bench.get("first");
    bench.drive();
    // The peer has no room for all of it: what comes now waits.
    let long = ["l", "m"].map(|letter| letter.repeat(40));
    let long = long.each_ref().map(|name| (bench.get(name), &**name));
    bench.drive();
    let before = ["one", "two", "three"].map(|name| (bench.get(name), name));
    bench.drive();

    let answer = b"VA 5\r\nfirst\r\n";
    let mut context = Context::from_waker(Waker::noop());
    let write = Box::pin(bench.peer.write_all(answer))
        .as_mut()
        .poll(&mut context);
    assert!(write.is_ready());
    bench.drive();
    let after = ["one", "two", "three"].map(|name| (bench.get(name), name));
    bench.drive();

    let mut asked = [0; 16];
    let read = Box::pin(bench.peer.read_exact(&mut asked[..12]))
        .as_mut()
        .poll(&mut context);
    assert!(read.is_ready());
    assert_eq!(asked[..12], *b"mg first v\r\n");
    bench.answer(5);

    let callers = [(first, "first")].into_iter().chain(long);
    for (mut replies, name) in callers.chain(before).chain(after) {
        let bytes = Bytes::copy_from_slice(name.as_bytes());
        let value = Reply::Value(bytes, Flags::default());
        assert_eq!(replies.try_recv().expect(name), [value]);
    }
}
