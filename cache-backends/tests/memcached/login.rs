//! Who one is, and that nobody is told.

use std::time::Duration;

use cache_backends::Memcached;
use cache_core::ErrorKind;
use test_support::MemcachedServer;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::probe::{back_within, call, prepare, store};

fn server() -> MemcachedServer {
    MemcachedServer::start_with(&[("users", "app:hunter2\n")], &["-Y", "users"])
}

async fn refusal(memcached: &Memcached) -> String {
    let error = call(memcached).await.error.expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
    assert!(!format!("{memcached:?}").contains("hunter"));
    error.to_string()
}

#[tokio::test]
async fn a_server_that_asks_is_told() {
    let server = server();
    let builder = Memcached::builder([server.address()]).credentials("app", "hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let memcached = builder.build().unwrap();
    assert!(
        prepare(&memcached, "slot", &[("a", 1)])
            .await
            .unwrap()
            .leased
    );
    assert!(store(&memcached, "slot", b"value").await.unwrap());
    server.restart();
    back_within(&memcached, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_without_it() {
    let server = server();
    let wrong = Memcached::builder([server.address()]).credentials("app", "hunter3");
    let error = refusal(&wrong.build().unwrap()).await;
    assert!(
        error.contains("refuses the user name or the password"),
        "{error}"
    );

    let without = Memcached::connect(server.address()).unwrap();
    let error = refusal(&without).await;
    assert!(error.contains("`credentials`"), "{error}");
}

/// A server without `-Y` takes the log-in for a value like any other, which nobody may read.
#[tokio::test]
async fn a_server_that_does_not_ask_keeps_nothing_of_it() {
    let server = MemcachedServer::start(&[]);
    let memcached = Memcached::builder([server.address()]).credentials("app", "hunter2");
    assert!(call(&memcached.build().unwrap()).await.error.is_none());
    assert_eq!(server.ask("mg larder:login v", 1), ["EN"]);
}

#[test]
fn settings_that_cannot_work_are_refused_in_words_without_secrets() {
    let with = |user: &str, password: &str| {
        let builder = Memcached::builder(["localhost"]).credentials(user, password);
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    };
    with("", "hunter2");
    with("app", "");
    with("hunter2\r\nflush_all", "x");
    with("app", "hunter2\r\nflush_all");
    with("a b", "hunter2");
    with("a:b", "hunter2");
    with("app", &"hunter2".repeat(40));

    let zero = Memcached::builder(["localhost"]).deadline(Duration::ZERO);
    assert_eq!(zero.build().unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn plain_text_leaves_the_machine_only_by_word() {
    let error = Memcached::connect("localhost,cache.internal:11211").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`insecure()`"), "{error}");
    for local in ["localhost", "127.0.0.1:1,[::1]:1", "127.1.2.3"] {
        assert!(Memcached::connect(local).is_ok(), "{local}");
    }
    let by_word = Memcached::builder(["cache.internal"]).insecure().build();
    assert!(by_word.is_ok());
}

/// What is no memcached may quote what it does not understand.
#[tokio::test]
async fn a_server_that_repeats_what_it_is_sent_is_not_quoted() {
    for lines in [1, 2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reading, mut writing) = stream.into_split();
                let mut reading = BufReader::new(reading).lines();
                let mut answer = String::new();
                for _ in 0..2 {
                    if let Ok(Some(line)) = reading.next_line().await {
                        answer = format!("-ERR unknown command: {line}\r\n");
                        if lines == 2 {
                            let _ = writing.write_all(b"STORED\r\n").await;
                        }
                    }
                }
                let _ = writing.write_all(answer.as_bytes()).await;
            }
        });
        let memcached = Memcached::builder([address]).credentials("app", "hunter2");
        let error = refusal(&memcached.build().unwrap()).await;
        assert!(error.contains("memcached 1.6"), "{error}");
    }
}
