//! Answers stay with their questions, whatever callers and servers do: against a server that says
//! what the test wants, byte by byte.

use std::{net::SocketAddr, time::Duration};

use cache_backends::Memcached;
use cache_core::{Backend, ErrorKind};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::probe::{call, read};

/// A server of one's own: it answers `mn` by itself, and hands everything else to the test.
struct Peer {
    addr: SocketAddr,
    questions: mpsc::UnboundedReceiver<Question>,
}

/// A line that was asked, and where to write the answer.
struct Question {
    line: String,
    answer: mpsc::UnboundedSender<Vec<u8>>,
    connection: usize,
}

impl Question {
    fn answer(&self, bytes: &[u8]) {
        self.answer.send(bytes.to_vec()).expect("the peer runs");
    }

    /// What a server says in which every name is its own value.
    fn value(&self) -> Vec<u8> {
        let name = self.line.split(' ').nth(1).expect("a name");
        format!("VA {}\r\n{name}\r\n", name.len()).into_bytes()
    }
}

impl Peer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (asked, questions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connection += 1;
                tokio::spawn(serve(stream, connection, asked.clone()));
            }
        });
        Self { addr, questions }
    }

    fn store(&self) -> Memcached {
        let builder = Memcached::builder([self.addr.to_string()]);
        builder.deadline(Duration::from_secs(5)).build().unwrap()
    }

    async fn next(&mut self) -> Question {
        let next = timeout(Duration::from_secs(5), self.questions.recv()).await;
        next.expect("something is asked").expect("the peer runs")
    }
}

async fn serve(stream: TcpStream, connection: usize, asked: mpsc::UnboundedSender<Question>) {
    let (reading, mut writing) = stream.into_split();
    let (answer, mut answers) = mpsc::unbounded_channel::<Vec<u8>>();
    let write = async {
        while let Some(bytes) = answers.recv().await {
            if writing.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    let read = async {
        let mut lines = BufReader::new(reading).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = answer.clone();
            if line == "mn" {
                let _ = answer.send(b"MN\r\n".to_vec());
                continue;
            }
            let _ = asked.send(Question {
                line,
                answer,
                connection,
            });
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

/// Lets a task go on until it waits for something outside.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// Case 54.
#[tokio::test]
async fn a_caller_who_goes_away_at_any_byte_of_the_answer_shifts_nothing() {
    let mut peer = Peer::start().await;
    let memcached = peer.store();
    let length = b"VA 3\r\nbob\r\n".len();
    for bytes in 0..=length {
        let dropped = tokio::spawn({
            let memcached = memcached.clone();
            async move { read(&memcached, "bob").await }
        });
        let question = peer.next().await;
        assert_eq!((&*question.line, question.connection), ("mg bob v", 1));
        let value = question.value();
        question.answer(&value[..bytes]);
        settle().await;
        dropped.abort();
        let _ = dropped.await;

        let asking = tokio::spawn({
            let memcached = memcached.clone();
            async move { memcached.read(&["alice", "carol"]).await }
        });
        let (alice, carol) = (peer.next().await, peer.next().await);
        question.answer(&value[bytes..]);
        settle().await;
        alice.answer(&alice.value());
        carol.answer(&carol.value());
        let values = asking.await.unwrap().unwrap();
        let values: Vec<_> = values.into_iter().flatten().collect();
        assert_eq!(values, ["alice", "carol"], "after {bytes} bytes");
        assert_eq!(alice.connection, 1, "it is the same connection");
    }
}

#[tokio::test]
async fn callers_who_ask_the_same_at_the_same_time_share_an_answer() {
    let mut peer = Peer::start().await;
    let memcached = peer.store();
    let first = tokio::spawn({
        let memcached = memcached.clone();
        async move { memcached.read(&["own:0", "group"]).await }
    });
    let held = [peer.next().await, peer.next().await];
    let asked: Vec<_> = (1..4)
        .map(|at| {
            let memcached = memcached.clone();
            tokio::spawn(async move {
                let own = format!("own:{at}");
                (memcached.read(&["group", &own, "group"]).await, own)
            })
        })
        .collect();
    // Written before the others came, so that it may be too old for them.
    let mut later = Vec::new();
    while later
        .iter()
        .filter(|question: &&Question| question.line.contains("own"))
        .count()
        < 3
    {
        later.push(peer.next().await);
    }
    let groups = later
        .iter()
        .filter(|question| question.line == "mg group v");
    assert_eq!(groups.count(), 1, "for all three");
    for question in held.iter().chain(&later) {
        question.answer(&question.value());
    }
    let first = first.await.unwrap().unwrap();
    assert_eq!(
        first.into_iter().flatten().collect::<Vec<_>>(),
        ["own:0", "group"]
    );
    for asking in asked {
        let (values, own) = asking.await.unwrap();
        let values: Vec<_> = values.unwrap().into_iter().flatten().collect();
        assert_eq!(values, ["group", &*own, "group"]);
    }
}

/// One connection is of no use any more, the next one is.
async fn is_given_up(answer: &[u8]) {
    let mut peer = Peer::start().await;
    let memcached = peer.store();
    let asking = tokio::spawn({
        let memcached = memcached.clone();
        async move { call(&memcached).await }
    });
    let question = peer.next().await;
    question.answer(answer);
    let call = asking.await.unwrap();
    let error = call.error.expect("it is no answer");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        call.took < Duration::from_secs(2),
        "it took {:?}",
        call.took
    );

    let asking = tokio::spawn({
        let memcached = memcached.clone();
        async move {
            loop {
                match read(&memcached, "bob").await {
                    Ok(value) => return value,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        }
    });
    let question = peer.next().await;
    question.answer(&question.value());
    assert_eq!(asking.await.unwrap().as_deref(), Some(&b"bob"[..]));
    assert!(question.connection > 1);
}

#[tokio::test]
async fn what_is_no_answer_ends_the_connection() {
    let answers: [&[u8]; 9] = [
        b"VA 1099511627776\r\n",
        b"VA 18446744073709551616\r\n",
        b"VA -1\r\n",
        b"VA 1\r\nxyz\r\n",
        b"\xff\xfe\r\n",
        b"STORED\r\n",
        b"HD\r\n",
        b"CLIENT_ERROR bad data chunk\r\n",
        &[b'x'; 5000],
    ];
    for answer in answers {
        is_given_up(answer).await;
    }
}

/// What nobody has asked for could be taken for the answer to the next question.
#[tokio::test]
async fn an_answer_that_nobody_asked_for_ends_the_connection() {
    let mut peer = Peer::start().await;
    let memcached = peer.store();
    let asking = tokio::spawn({
        let memcached = memcached.clone();
        async move { read(&memcached, "bob").await }
    });
    let question = peer.next().await;
    let twice = [question.value(), question.value()].concat();
    question.answer(&twice);
    assert_eq!(asking.await.unwrap().unwrap().as_deref(), Some(&b"bob"[..]));
    settle().await;
    let asking = tokio::spawn({
        let memcached = memcached.clone();
        async move {
            while read(&memcached, "alice").await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let question = peer.next().await;
    question.answer(&question.value());
    asking.await.unwrap();
    assert!(question.connection > 1, "the first one is out of step");
}

#[tokio::test]
async fn a_server_that_is_no_memcached_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"-ERR unknown command\r\n").await;
        }
    });
    let memcached = Memcached::connect(addr.to_string()).unwrap();
    let error = call(&memcached)
        .await
        .error
        .expect("it is none")
        .to_string();
    assert!(error.contains("memcached 1.6"), "{error}");
}

/// A heartbeat is the one question whose answer nothing else has: out of step, it shows.
#[tokio::test]
async fn a_heartbeat_that_gets_the_answer_to_something_else_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (told, mut connected) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            told.send(()).unwrap();
            let (reading, mut writing) = stream.into_split();
            tokio::spawn(async move {
                let mut lines = BufReader::new(reading).lines();
                let mut answer: &[u8] = b"MN\r\n";
                while let Ok(Some(_)) = lines.next_line().await {
                    let _ = writing.write_all(answer).await;
                    answer = b"EN\r\n";
                }
            });
        }
    });
    let memcached = Memcached::connect(addr.to_string()).unwrap();
    assert_eq!(read(&memcached, "bob").await.unwrap(), None);
    for _ in 0..2 {
        let next = timeout(Duration::from_secs(10), connected.recv()).await;
        next.expect("it is connected anew").expect("the peer runs");
    }
}
