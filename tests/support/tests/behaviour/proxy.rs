//! Each fault, seen from a client.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use test_support::{Client, Fault, FaultProxy, Links, RedisServer, Reply, Way};

/// How long silence has to last before a test takes it for the fault.
const SILENCE: Duration = Duration::from_millis(100);

fn pong() -> Reply {
    Reply::Status("PONG".to_owned())
}

/// A server that sends back what it gets, until the end of the test process.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                io::copy(&mut stream.try_clone().unwrap(), &mut stream)
            });
        }
    });
    addr
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// Sends `bytes` and waits for as many.
fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; bytes.len()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

fn assert_silent(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let error = stream
        .read(&mut [0])
        .expect_err("nothing comes, not even the end");
    assert!(
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        ),
        "{error}"
    );
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
}

/// Closes a connection without saying goodbye (RST).
fn reset(stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let _context = runtime.enter();
    stream.set_nonblocking(true).unwrap();
    tokio::net::TcpStream::from_std(stream)
        .unwrap()
        .set_zero_linger()
        .unwrap();
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

fn spawn_echo_client(addr: SocketAddr, bytes: Vec<u8>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut stream = connect(addr);
        let mut writer = stream.try_clone().unwrap();
        let sent = bytes.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        writing.join().unwrap();
        answer
    })
}

#[test]
fn without_a_fault_everything_passes_and_is_counted() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    assert_eq!(proxy.url(), format!("redis://{}", proxy.addr()));
    let mut client = Client::connect(proxy.addr()).unwrap();
    let big = "x".repeat(300_000);
    assert!(!client.command(&["SET", "big", &big]).unwrap().is_error());
    assert_eq!(
        client.command(&["GET", "big"]).unwrap().text(),
        Some(big.as_str())
    );
    let traffic = proxy.traffic();
    assert_eq!(
        (traffic.connections, traffic.links, traffic.swallowed),
        (1, 1, 0)
    );
    assert!(
        traffic.requests > 300_000 && traffic.replies > 300_000,
        "{traffic:?}"
    );
    drop(client);
    until("the link ends with its client", || {
        proxy.traffic().links == 0
    });
}

#[test]
fn many_megabytes_pass_both_ways_at_once_and_so_does_the_end() {
    let proxy = FaultProxy::start(echo());
    let bytes: Vec<u8> = (0_u32..4_000_000).flat_map(u32::to_le_bytes).collect();
    assert!(
        spawn_echo_client(proxy.addr(), bytes.clone())
            .join()
            .unwrap()
            == bytes
    );
    until("the link ends with both sides", || {
        proxy.traffic().links == 0
    });
}

#[test]
fn a_delay_holds_each_way_for_its_time_and_not_for_each_command() {
    let proxy = FaultProxy::start(echo());
    let mut stream = connect(proxy.addr());
    exchange(&mut stream, b"warm");
    let [requests, replies] = [100, 200].map(Duration::from_millis);
    proxy.set(Fault::Delay { requests, replies });
    let start = Instant::now();
    // Pipelined: the second does not wait for the first to be delivered.
    for byte in [b"1", b"2", b"3", b"4", b"5"] {
        stream.write_all(byte).unwrap();
    }
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    let took = start.elapsed();
    assert_eq!(&answer, b"12345");
    assert!(
        (requests + replies..5 * (requests + replies)).contains(&took),
        "{took:?}"
    );

    proxy.set(Fault::None);
    let start = Instant::now();
    exchange(&mut stream, b"again");
    assert!(start.elapsed() < requests + replies);
}

#[test]
fn a_rate_holds_each_way() {
    let proxy = FaultProxy::start(echo());
    let mut stream = connect(proxy.addr());
    exchange(&mut stream, b"warm");
    proxy.set(Fault::Rate(50_000));
    // What an idle line could have carried is not made up for.
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    let bytes = vec![7; 20_000];
    assert_eq!(exchange(&mut stream, &bytes), bytes);
    let took = start.elapsed();
    // Both ways overlap; the last step is not waited for, and a late timer is made up for.
    assert!(
        (Duration::from_millis(350)..Duration::from_secs(4)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_half_open_link_is_silent_while_new_links_work() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let mut old = connect(proxy.addr());

    old.write_all(b"PING\r\n").unwrap();
    old.read_exact(&mut [0; 7]).unwrap();

    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    old.write_all(b"PING\r\n").unwrap();
    assert_silent(&mut old);
    assert_eq!(proxy.traffic().swallowed, 6);
    let mut new = Client::connect(proxy.addr()).unwrap();
    assert_eq!(new.command(&["PING"]).unwrap(), pong());

    // Bytes that were lost are not made up for: the link stays dead, even if the server ends.
    proxy.set(Fault::None);
    old.write_all(b"PING\r\n").unwrap();
    assert_silent(&mut old);
    assert_eq!(new.command(&["PING"]).unwrap(), pong());
}

#[test]
fn a_half_open_link_does_not_tell_of_the_servers_end() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let mut stream = connect(proxy.addr());
    stream.write_all(b"PING\r\n").unwrap();
    stream.read_exact(&mut [0; 7]).unwrap();
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Replies,
    });
    server.kill();
    assert_silent(&mut stream);
}

#[test]
fn all_links_can_swallow_new_ones_too() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    let mut stream = connect(proxy.addr());
    stream.write_all(b"PING\r\n").unwrap();
    assert_silent(&mut stream);
    assert_eq!(proxy.traffic().requests, 0);
}

#[test]
fn dropped_replies_do_not_keep_requests_from_being_done() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Replies,
    });
    let mut stream = connect(proxy.addr());
    stream.write_all(b"INCR k\r\n").unwrap();
    until("the server does what it is asked", || {
        server.raw(&["GET", "k"]).int() == Some(1)
    });
    assert_silent(&mut stream);
    until("the reply is lost", || proxy.traffic().swallowed == 4);
}

#[test]
fn replies_are_cut_after_so_many_bytes_on_each_link() {
    let server = RedisServer::start(&[]);
    server.raw(&["SET", "k", "0123456789"]);
    let proxy = FaultProxy::start(server.addr());
    let mut old = connect(proxy.addr());
    old.write_all(b"PING\r\n").unwrap();
    old.read_exact(&mut [0; 7]).unwrap();
    proxy.set(Fault::CutReplies(8));
    let new = connect(proxy.addr());
    for mut stream in [old, new] {
        stream.write_all(b"GET k\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"$10\r\n012");
    }
}

#[test]
fn a_cut_strikes_as_soon_as_the_last_byte_has_passed() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    proxy.set(Fault::CutReplies(7));
    let mut stream = connect(proxy.addr());
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"+PONG\r\n");
}

#[test]
fn new_connections_are_reset_and_counted_while_old_links_pass() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let mut old = Client::connect(proxy.addr()).unwrap();
    old.command(&["PING"]).unwrap();
    proxy.set(Fault::Reset);
    for _ in 0..5 {
        let mut stream = connect(proxy.addr());
        let error = stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    assert_eq!(old.command(&["PING"]).unwrap(), pong());
    assert_eq!(proxy.traffic().connections, 6);

    proxy.reset_links();
    let error = old.command(&["PING"]).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
        "{error}"
    );
    proxy.set(Fault::None);
    assert_eq!(
        Client::connect(proxy.addr())
            .unwrap()
            .command(&["PING"])
            .unwrap(),
        pong()
    );
}

#[test]
fn one_byte_per_segment_arrives_in_pieces_and_complete() {
    let proxy = FaultProxy::start(echo());
    proxy.set(Fault::OneByte);
    let mut stream = connect(proxy.addr());
    let bytes: Vec<u8> = (0..=255).cycle().take(8 * 1024).collect();
    stream.write_all(&bytes).unwrap();
    let (mut answer, mut pieces) = (Vec::new(), 0);
    let mut chunk = vec![0; bytes.len()];
    while answer.len() < bytes.len() {
        let length = stream.read(&mut chunk).unwrap();
        answer.extend_from_slice(&chunk[..length]);
        pieces += 1;
    }
    assert_eq!(answer, bytes);
    assert!(pieces > 8, "{pieces} pieces");
}

#[test]
fn a_client_that_resets_its_connection_resets_the_server_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = FaultProxy::start(listener.local_addr().unwrap());
    let client = connect(proxy.addr());
    let (mut server, _) = listener.accept().unwrap();
    reset(client);
    assert_eq!(
        server.read(&mut [0]).unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
    until("the link ends with its client", || {
        proxy.traffic().links == 0
    });
}

#[test]
fn the_end_of_the_server_ends_its_links_and_a_new_one_is_found() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let mut client = Client::connect(proxy.addr()).unwrap();
    client.command(&["PING"]).unwrap();
    server.kill();
    assert!(client.command(&["PING"]).is_err());
    let error = connect(proxy.addr()).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.restart();
    assert_eq!(
        Client::connect(proxy.addr())
            .unwrap()
            .command(&["PING"])
            .unwrap(),
        pong()
    );
}

#[test]
fn a_dropped_proxy_closes_its_links_and_its_port() {
    let proxy = FaultProxy::start(echo());
    let addr = proxy.addr();
    let mut stream = connect(addr);
    exchange(&mut stream, b"warm");
    drop(proxy);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(
        TcpStream::connect(addr).unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}
