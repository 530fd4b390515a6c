//! Something that answers like a server and repeats what it was told.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How it repeats it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Repeats {
    /// Byte for byte.
    All,
    /// As servers do that do not know a command, in the words of Redis.
    AsArguments,
    /// In words of its own.
    InAnError,
    /// As a line that is no answer.
    AsALine,
}

/// What a real server answers to the first words of a client.
const GREETING: &[u8] = b"%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n";

/// Listens on a free port until it is dropped.
pub(crate) struct Impostor {
    over: Arc<AtomicBool>,
    addr: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
}

impl Impostor {
    /// Every other connection is greeted as by a server, so that what comes later is repeated,
    /// too.
    pub(crate) fn start(repeats: Repeats) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        listener.set_nonblocking(true).expect("a fresh socket");
        let over = Arc::<AtomicBool>::default();
        let ended = over.clone();
        let thread = thread::spawn(move || {
            let mut greets = false;
            while !ended.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                greets = !greets;
                let ended = ended.clone();
                thread::spawn(move || answer(stream, greets, repeats, &ended));
            }
        });
        Self {
            over,
            addr,
            thread: Some(thread),
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has said why it panicked, if it did.
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, mut greets: bool, repeats: Repeats, ended: &AtomicBool) {
    let patient = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(Duration::from_millis(50))));
    patient.expect("a fresh socket");
    let mut told = [0; 16_384];
    while !ended.load(Ordering::Relaxed) {
        match stream.read(&mut told) {
            Ok(0) => return,
            Ok(length) => {
                let answer = if greets {
                    GREETING.to_vec()
                } else {
                    repeat(&told[..length], repeats)
                };
                greets = false;
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

fn repeat(told: &[u8], repeats: Repeats) -> Vec<u8> {
    let text = String::from_utf8_lossy(told);
    let words = text.split("\r\n");
    let words = words.filter(|word| !word.starts_with(['*', '$']) && !word.is_empty());
    let words: Vec<&str> = words.collect();
    let quoted = words.join("' '");
    match repeats {
        Repeats::All => told.to_vec(),
        Repeats::AsArguments => format!(
            "-ERR unknown command '{}', with args beginning with: '{quoted}'\r\n",
            words[0]
        )
        .into_bytes(),
        Repeats::InAnError => format!("-ERR what is '{quoted}'?\r\n").into_bytes(),
        Repeats::AsALine => format!("?{quoted}\r\n").into_bytes(),
    }
}
