//! What memcached does not take is refused, or made to fit, and harms nothing else.

use std::{
    io::{Read, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use bytes::Bytes;
use cache_backends::Memcached;
use cache_core::{Backend, ErrorKind, Invalidate, Lease, Over, Prepare, Write};
use test_support::MemcachedServer;

use crate::probe::{MINE, invalidate, prepare, read, store};

async fn room() -> (MemcachedServer, Memcached) {
    let server = MemcachedServer::start(&[]);
    let memcached = Memcached::builder([server.address()])
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    // What tells whether anything else was touched.
    assert!(prepare(&memcached, "sentinel", &[]).await.unwrap().leased);
    assert!(store(&memcached, "sentinel", b"alive").await.unwrap());
    (server, memcached)
}

async fn assert_alive(memcached: &Memcached) {
    let sentinel = read(memcached, "sentinel").await.unwrap();
    assert_eq!(sentinel.unwrap(), [&MINE[..], b"alive"].concat());
}

/// Every way in which a name goes into a call.
async fn refuses(memcached: &Memcached, name: &str) {
    let kinds = [
        read(memcached, name).await.unwrap_err().kind(),
        memcached.read(&["a", name]).await.unwrap_err().kind(),
        prepare(memcached, name, &[]).await.unwrap_err().kind(),
        prepare(memcached, "a", &[(name, 1)])
            .await
            .unwrap_err()
            .kind(),
        store(memcached, name, b"x").await.unwrap_err().kind(),
        invalidate(memcached, &[name], &[])
            .await
            .unwrap_err()
            .kind(),
        invalidate(memcached, &[], &[(name, 1)])
            .await
            .unwrap_err()
            .kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Rejected; 7], "{name:?}");
}

/// Case 55.
#[tokio::test]
async fn names_that_could_be_commands_are_never_sent() {
    let (server, memcached) = room().await;
    let (longer, wide) = ("k".repeat(251), "ü".repeat(126));
    let names = [
        "",
        " ",
        "a b",
        "a\r\nflush_all\r\n",
        "a\nflush_all",
        "a\0",
        "a\tb",
        "a\x7f",
        &longer,
        &wide,
    ];
    let before = server.stat("bytes_read");
    let idle = server.stat("bytes_read");
    for name in names {
        refuses(&memcached, name).await;
    }
    let after = server.stat("bytes_read");
    let number = |text: Option<String>| text.unwrap().parse::<u64>().unwrap();
    let (before, idle, after) = (number(before), number(idle), number(after));
    // What is asked here is read too, and a heartbeat or two.
    let asking = idle - before;
    assert!(
        after - idle <= asking + 16,
        "{} bytes",
        after - idle - asking
    );
    assert_eq!(server.stat("cmd_flush").as_deref(), Some("0"));
    assert_alive(&memcached).await;
}

#[tokio::test]
async fn names_of_250_bytes_and_any_letters_are_names() {
    let (_server, memcached) = room().await;
    let long = "k".repeat(250);
    for name in [&long, "ü:%0D%0A:{}*?[]\\", "mg", "ms a 1"] {
        if name.contains(' ') {
            refuses(&memcached, name).await;
            continue;
        }
        assert!(
            prepare(&memcached, name, &[]).await.unwrap().leased,
            "{name}"
        );
        assert!(store(&memcached, name, b"\r\nEN\r\n").await.unwrap());
        let expected = [&MINE[..], b"\r\nEN\r\n"].concat();
        assert_eq!(read(&memcached, name).await.unwrap().unwrap(), expected);
    }
    assert_alive(&memcached).await;
}

/// Case 55: the server answers, reads all of the value, and goes on.
#[tokio::test]
async fn a_value_that_is_too_large_is_refused_and_what_stood_there_is_gone() {
    let (_server, memcached) = room().await;
    let put = async |bytes: usize| {
        prepare(&memcached, "slot", &[]).await.unwrap();
        let payload = vec![b'x'; bytes - MINE.len()];
        store(&memcached, "slot", &payload).await
    };
    assert!(put(1_048_000).await.unwrap());
    let stored = read(&memcached, "slot").await.unwrap().unwrap();
    assert_eq!(stored.len(), 1_048_000);
    for _ in 0..3 {
        let error = put(1_048_576).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert!(error.to_string().contains("too large"), "{error}");
        assert_eq!(read(&memcached, "slot").await.unwrap(), None);
        assert_alive(&memcached).await;
    }
}

/// Case 55: beyond 30 days a life would be a date, long ago.
#[tokio::test]
async fn a_life_beyond_30_days_is_30_days() {
    let (server, memcached) = room().await;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let slot = "slot";
    let lease = Lease {
        slot,
        header: MINE,
        over: Over::Empty,
        ttl: days(31),
    };
    let wanted = Prepare {
        stamps: &[("made", 1), ("raised", 2)],
        stamp_ttl: days(3100),
        lease: Some(lease),
    };
    assert!(memcached.prepare(wanted).await.unwrap().leased);
    let write = Write {
        slot,
        expected: MINE,
        envelope: Bytes::from_static(&MINE),
        ttl: Duration::MAX,
        stamps: &["raised"],
        stamp_ttl: Duration::MAX,
    };
    assert!(memcached.store(write).await.unwrap());
    let change = Invalidate {
        slots: &[],
        stamps: &[("moved", 3)],
        stamp_ttl: days(40),
        channel: "",
        notice: b"",
    };
    memcached.invalidate(change).await.unwrap();
    for name in ["slot", "made", "raised", "moved"] {
        let answer = &server.ask(&format!("mg {name} t"), 1)[0];
        let left: u64 = answer.strip_prefix("HD t").expect(answer).parse().unwrap();
        assert!((2_591_900..=2_592_000).contains(&left), "{name}: {left} s");
    }
}

/// Fills the class of sizes to which stamps belong.
fn fill(server: &MemcachedServer) {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let fillers = (0..100_000).map(|at| format!("ms filler:{at} 8 T0 q\r\nxxxxxxxx\r\n"));
    let mut reading = stream.try_clone().unwrap();
    let answers = thread::spawn(move || {
        let mut answers = String::new();
        while !answers.ends_with("MN\r\n") {
            let mut bytes = [0; 4096];
            let count = reading.read(&mut bytes).unwrap();
            answers.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        answers
    });
    stream
        .write_all(fillers.collect::<String>().as_bytes())
        .unwrap();
    stream.write_all(b"mn\r\n").unwrap();
    let answers = answers.join().unwrap();
    assert!(answers.contains("SERVER_ERROR out of memory"), "it is full");
}

/// A stamp that cannot be written is removed: it agrees with nothing then.
#[tokio::test]
async fn a_server_without_memory_removes_the_stamps_it_cannot_move() {
    let server = MemcachedServer::start(&["-M", "-m", "2"]);
    let memcached = Memcached::connect(server.address()).unwrap();
    let prepared = prepare(&memcached, "slot", &[("group", 1)]).await.unwrap();
    assert!(prepared.leased);
    fill(&server);
    let error = prepare(&memcached, "a", &[("other", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    invalidate(&memcached, &[], &[("group", 2)]).await.unwrap();
    assert_eq!(read(&memcached, "group").await.unwrap(), None);
    invalidate(&memcached, &["slot"], &[]).await.unwrap();
    assert_eq!(read(&memcached, "slot").await.unwrap(), None);
}

#[tokio::test]
async fn what_stands_where_a_stamp_belongs_is_refused() {
    let (server, memcached) = room().await;
    server.ask("ms group 3 T0\r\nxyz", 1);
    let error = prepare(&memcached, "a", &[("group", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("namespace"), "{error}");
    assert_alive(&memcached).await;
}

#[tokio::test]
async fn a_server_without_cas_values_is_named() {
    let server = MemcachedServer::start(&["-C"]);
    let memcached = Memcached::connect(server.address()).unwrap();
    assert!(prepare(&memcached, "slot", &[]).await.unwrap().leased);
    let error = store(&memcached, "slot", b"value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("`-C`"), "{error}");
}
