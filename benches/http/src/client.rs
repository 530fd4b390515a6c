//! Clients that cost little: each writes a request as it is, and reads as much as the response says.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// How many pages each client asks for, in turn.
pub(crate) const PAGES: usize = 16;

/// Clients with a connection each, which stays open.
#[derive(Debug)]
pub(crate) struct Clients(Vec<Client>);

#[derive(Debug)]
struct Client {
    /// Which of all it is.
    number: usize,
    stream: TcpStream,
    read: Vec<u8>,
}

impl Clients {
    /// Connects `count` clients.
    ///
    /// # Panics
    ///
    /// If nobody listens there.
    pub(crate) async fn connect(address: SocketAddr, count: usize) -> Self {
        let mut clients = Vec::new();
        for number in 0..count {
            let stream = TcpStream::connect(address).await.expect("it listens");
            stream.set_nodelay(true).expect("a TCP stream");
            clients.push(Client {
                number,
                stream,
                read: vec![0; 64 << 10],
            });
        }
        Self(clients)
    }

    /// Asks for `path` about `requests` times, all clients side by side.
    /// With `apart`, each asks for pages of its own: two requests for the same page at the same
    /// time would be one for a far tier.
    pub(crate) async fn ask(&mut self, path: &'static str, apart: bool, requests: usize) {
        let each = requests / self.0.len();
        let mut asking = JoinSet::new();
        for mut client in self.0.drain(..) {
            asking.spawn(async move {
                let first = if apart { client.number * PAGES } else { 0 };
                client.ask(path, first, each).await;
                client
            });
        }
        self.0 = asking.join_all().await;
    }
}

impl Client {
    async fn ask(&mut self, path: &str, first: usize, requests: usize) {
        for request in 0..requests {
            let page = first + request % PAGES;
            let request = format!("GET {path}/{page} HTTP/1.1\r\nhost: bench\r\n\r\n");
            let sent = self.stream.write_all(request.as_bytes()).await;
            sent.expect("the server is there");
            self.response().await;
        }
    }

    async fn response(&mut self) {
        let mut have = 0;
        let mut whole = usize::MAX;
        while have < whole {
            let more = self.stream.read(&mut self.read[have..]).await;
            let more = more.expect("the server is there");
            assert!(more > 0, "the server goes on");
            have += more;
            if whole == usize::MAX {
                whole = length(&self.read[..have]).unwrap_or(usize::MAX);
            }
        }
        assert_eq!(have, whole, "one response at a time");
    }
}

/// How long a response is whose head is here.
fn length(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    assert!(read.starts_with(b"HTTP/1.1 200"), "a response");
    let text = str::from_utf8(&read[..head]).expect("a head is text");
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length
        .and_then(|text| text.parse().ok())
        .expect("a length is said");
    Some(head + 4 + length)
}
