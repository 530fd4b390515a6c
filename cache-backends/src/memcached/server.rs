//! How a connection to one server is made: names, TCP, TLS, log-in and a first sign of life.

use std::{fmt, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    address::Address,
    codec::{Batch, Reply},
    line::Line,
    tls::Tls,
};
use crate::link::{Dial, Ended};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// The longest answer to a log-in.
const ANSWER: usize = 512;
const FOREIGN: &str = "the server does not answer as memcached 1.6 or later does";

/// Who one is to a server that asks.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// One server, as a link dials it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) credentials: Option<Credentials>,
    pub(super) tls: Option<Tls>,
}

impl Dial for Server {
    type Line = Line;

    const SERVER: &'static str = "memcached";

    fn address(&self) -> String {
        self.address.to_string()
    }

    async fn dial(&self, ended: Ended) -> Result<Line, String> {
        match timeout(CONNECT, self.connect(ended)).await {
            Ok(connected) => connected,
            Err(_) => Err("no answer".to_owned()),
        }
    }

    async fn beat(&self, line: Line) -> Result<(), String> {
        let mut batch = Batch::default();
        batch.noop();
        match line.ask(batch).await.as_deref() {
            Ok([Reply::Noop]) => Ok(()),
            // Nothing else has this answer: whatever comes in its place belongs to another question.
            Ok(_) => Err("a heartbeat got the answer to something else".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }
}

impl Server {
    async fn connect(&self, ended: Ended) -> Result<Line, String> {
        let Address { host, port } = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        match &self.tls {
            Some(tls) => self.greet(tls.encrypt(host, stream).await?, ended).await,
            None => self.greet(stream, ended).await,
        }
    }

    async fn greet<S>(&self, mut stream: S, ended: Ended) -> Result<Line, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if let Some(Credentials { user, password }) = &self.credentials {
            let length = user.len() + 1 + password.len();
            // A server that does not ask takes this for a value: one that is over at once.
            let login = format!("set larder:login 0 -1 {length}\r\n{user} {password}\r\n");
            match &*exchange(&mut stream, &login).await? {
                "STORED" => {}
                answer if answer.starts_with("CLIENT_ERROR") => {
                    return Err("the server refuses the user name or the password".to_owned());
                }
                _ => return Err(FOREIGN.to_owned()),
            }
        }
        match &*exchange(&mut stream, "mn\r\n").await? {
            "MN" => Ok(Line::start(stream, ended)),
            "CLIENT_ERROR unauthenticated" => {
                Err("the server wants a user name and a password: give `credentials`".to_owned())
            }
            // What is no memcached may repeat what it was sent, and that was a password.
            _ if self.credentials.is_some() => Err(FOREIGN.to_owned()),
            answer => Err(foreign(answer)),
        }
    }
}

/// Sends a line and gives the line that answers it, without its end.
async fn exchange<S>(stream: &mut S, line: &str) -> Result<String, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let broken = |error: std::io::Error| error.to_string();
    stream.write_all(line.as_bytes()).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n") && answer.len() < ANSWER {
        // Nothing follows that is not asked for, so that no byte of a later answer is taken.
        if stream.read_buf(&mut answer).await.map_err(broken)? == 0 {
            return Err("closed by the server".to_owned());
        }
    }
    Ok(String::from_utf8_lossy(&answer).trim_end().to_owned())
}

fn foreign(answer: &str) -> String {
    let plain = |character: &char| !character.is_control();
    let words: String = answer.chars().filter(plain).take(100).collect();
    format!("{FOREIGN}, but: {words}")
}
