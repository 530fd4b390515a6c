//! Something that is no Redis server and answers all the same.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What a real server answers to the first words of a client: its protocol, and twice that it
/// has noted the client's name.
const GREETING: &[u8] = b"%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n";

/// Rubbish of every kind that a parser may stumble over.
fn rubbish() -> Vec<Vec<u8>> {
    vec![
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(),
        (0..=255).collect(),
        b"+OK\r\n".to_vec(),
        b":7\r\n".to_vec(),
        b"_\r\n".to_vec(),
        b"-\r\n".to_vec(),
        b"-WRONG kind of answer\r\n".to_vec(),
        b"*0\r\n".to_vec(),
        b"*2\r\n$3\r\nold\r\n$8\r\n\xff\xff\xff\xff\xff\xff\xff\xff\r\n".to_vec(),
        b"*4\r\n$0\r\n\r\n$0\r\n\r\n:1\r\n*-1\r\n".to_vec(),
        b"*1000000000\r\n".to_vec(),
        b"*9223372036854775807\r\n".to_vec(),
        b"%9223372036854775807\r\n".to_vec(),
        b"|1\r\n+a\r\n+b\r\n".to_vec(),
        b"$9223372036854775807\r\n".to_vec(),
        b"!-1\r\n".to_vec(),
        b"=3\r\nabc\r\n".to_vec(),
        b">2\r\n+message\r\n+x\r\n>1\r\n+invalidate\r\n>0\r\n".to_vec(),
        b"*1\r\n".repeat(99),
        b"*1\r\n".repeat(10_000),
        b"+OK\r\n".repeat(100),
        Vec::new(),
    ]
}

/// Listens where a server was. Every other connection is greeted as by a server, so that rubbish
/// comes at every stage; each connection gets rubbish of the next kind.
pub(crate) struct Impostor {
    over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Impostor {
    pub(crate) fn start(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).expect("the server there is down");
        listener.set_nonblocking(true).expect("a fresh socket");
        let over = Arc::<AtomicBool>::default();
        let ended = over.clone();
        let thread = thread::spawn(move || {
            let kinds = rubbish().into_iter().cycle();
            let mut kinds = kinds.flat_map(|kind| [(true, kind.clone()), (false, kind)]);
            while !ended.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                let (greets, kind) = kinds.next().expect("endless");
                let ended = ended.clone();
                thread::spawn(move || answer(stream, greets, &kind, &ended));
            }
        });
        Self {
            over,
            thread: Some(thread),
        }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has printed why it panicked, if it did.
            let _ = thread.join();
        }
    }
}

/// Answers everything that comes with the same, until one side has had enough.
fn answer(mut stream: TcpStream, mut greets: bool, kind: &[u8], ended: &AtomicBool) {
    let patient = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(Duration::from_millis(50))));
    patient.expect("a fresh socket");
    let mut question = [0; 4096];
    while !ended.load(Ordering::Relaxed) {
        match stream.read(&mut question) {
            Ok(0) => return,
            Ok(_) => {
                let answer = if greets { GREETING } else { kind };
                greets = false;
                if answer.is_empty() || stream.write_all(answer).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
