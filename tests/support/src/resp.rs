//! How tests talk to a server without a client library: RESP2, one command at a time.

use std::{
    fmt, io,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a blocking client waits for a server before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status, such as `OK`.
    Status(String),
    /// An error, with its code first, such as `OOM` or `NOAUTH`.
    Error(String),
    /// An integer.
    Int(i64),
    /// A string of bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Nil,
    /// Several replies.
    Array(Vec<Reply>),
}

impl Reply {
    /// The text of a status, an error or a bulk string; `None` for the rest.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Status(text) | Self::Error(text) => Some(text),
            Self::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Int(_) | Self::Nil | Self::Array(_) => None,
        }
    }

    /// The number of an integer reply, or of a text that spells one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => self.text()?.parse().ok(),
        }
    }

    /// Whether the server refused the command.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(text) => write!(f, "{text}"),
            Self::Error(text) => write!(f, "error {text}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Bulk(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Nil => write!(f, "nil"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
        }
    }
}

/// A blocking connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects to a server. Commands wait at most 10 s for their replies.
    ///
    /// # Errors
    ///
    /// What the system says when nobody listens.
    pub fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let unread = Vec::new();
        Ok(Self { stream, unread })
    }

    /// Sends one command and waits for its reply; a refusal is a [`Reply::Error`].
    ///
    /// # Errors
    ///
    /// If the line is lost, silent for 10 s, or speaks something else than RESP2.
    pub fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.stream.write_all(&encode(args))?;
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(reply) = take(&mut self.unread)? {
                return Ok(reply);
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.unread.extend_from_slice(&chunk[..length]),
            }
        }
    }
}

/// An asynchronous connection to a server. Drop it if a command was not awaited to its end.
#[derive(Debug)]
pub struct AsyncClient {
    stream: tokio::net::TcpStream,
    unread: Vec<u8>,
}

impl AsyncClient {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// What the system says when nobody listens.
    pub async fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let unread = Vec::new();
        Ok(Self { stream, unread })
    }

    /// Sends one command and waits for its reply; a refusal is a [`Reply::Error`].
    ///
    /// # Errors
    ///
    /// If the line is lost, or speaks something else than RESP2.
    pub async fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        let command = encode(args);
        self.stream.write_all(&command).await?;
        loop {
            if let Some(reply) = take(&mut self.unread)? {
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The bytes of one command.
fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Takes the first reply out of `unread`, if it is there to its end.
fn take(unread: &mut Vec<u8>) -> io::Result<Option<Reply>> {
    let mut rest = unread.as_slice();
    let reply = parse(&mut rest)?;
    if reply.is_some() {
        let parsed = unread.len() - rest.len();
        unread.drain(..parsed);
    }
    Ok(reply)
}

/// Reads one reply from the front of `rest`; `None` if bytes are missing.
fn parse(rest: &mut &[u8]) -> io::Result<Option<Reply>> {
    let Some(line) = line(rest) else {
        return Ok(None);
    };
    let (kind, text) = line.split_first().ok_or_else(malformed)?;
    let text = std::str::from_utf8(text).map_err(|_| malformed())?;
    match kind {
        b'+' => Ok(Some(Reply::Status(text.to_owned()))),
        b'-' => Ok(Some(Reply::Error(text.to_owned()))),
        b':' => Ok(Some(Reply::Int(text.parse().map_err(|_| malformed())?))),
        b'$' | b'*' if text == "-1" => Ok(Some(Reply::Nil)),
        b'$' => bulk(rest, text.parse().map_err(|_| malformed())?),
        b'*' => array(rest, text.parse().map_err(|_| malformed())?),
        _ => Err(malformed()),
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    Some(line)
}

fn bulk(rest: &mut &[u8], length: usize) -> io::Result<Option<Reply>> {
    let Some((bytes, end)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let Some((end, after)) = end.split_at_checked(2) else {
        return Ok(None);
    };
    if end != b"\r\n" {
        return Err(malformed());
    }
    *rest = after;
    Ok(Some(Reply::Bulk(bytes.to_vec())))
}

fn array(rest: &mut &[u8], length: usize) -> io::Result<Option<Reply>> {
    let mut items = Vec::new();
    for _ in 0..length {
        match parse(rest)? {
            Some(item) => items.push(item),
            None => return Ok(None),
        }
    }
    Ok(Some(Reply::Array(items)))
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the server's reply is not RESP2",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: &[u8] =
        b"+OK\r\n-ERR no\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n*2\r\n$0\r\n\r\n*1\r\n:1\r\n";

    #[test]
    fn replies_are_read_whatever_the_pieces_they_arrive_in() {
        for piece in 1..REPLIES.len() {
            let mut unread = Vec::new();
            let mut replies = Vec::new();
            for bytes in REPLIES.chunks(piece) {
                unread.extend_from_slice(bytes);
                while let Some(reply) = take(&mut unread).unwrap() {
                    replies.push(reply);
                }
            }
            let expected = [
                Reply::Status("OK".to_owned()),
                Reply::Error("ERR no".to_owned()),
                Reply::Int(-7),
                Reply::Bulk(b"a\r\nb".to_vec()),
                Reply::Nil,
                Reply::Array(vec![
                    Reply::Bulk(Vec::new()),
                    Reply::Array(vec![Reply::Int(1)]),
                ]),
            ];
            assert_eq!(replies, expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_not_resp2_is_an_error() {
        for bytes in [&b"\r\n"[..], b"%1\r\n", b"$x\r\n", b"$1\r\nabc"] {
            assert!(take(&mut bytes.to_vec()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn commands_carry_any_bytes() {
        let command = encode(&[&b"SET"[..], b"k", b"\r\n\0"]);
        assert_eq!(command, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\r\n\0\r\n");
    }
}
