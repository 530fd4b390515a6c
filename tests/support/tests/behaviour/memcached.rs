//! A memcached lives as long as its handle, on its own port, with the files it was given.

use std::{
    fs,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::Duration,
};

use test_support::MemcachedServer;

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

#[test]
fn a_memcached_answers_on_its_own_port_with_its_own_arguments() {
    let server = MemcachedServer::start(&["-m", "8", "-I", "2m"]);
    assert_eq!(server.address(), server.addr().to_string());
    assert_eq!(server.stat("pid"), Some(server.pid().to_string()));
    assert_eq!(server.stat("limit_maxbytes").as_deref(), Some("8388608"));
    assert_eq!(server.stat("no_such_field"), None);
    assert_eq!(server.ask("ms name 5 T60\r\nvalue", 1), ["HD"]);
    assert_eq!(server.ask("mg name v", 2), ["VA 5", "value"]);
}

#[test]
fn a_killed_memcached_refuses_and_a_restarted_one_is_empty_and_counts_anew() {
    let server = MemcachedServer::start(&[]);
    let (port, pid) = (server.addr(), server.pid());
    assert_eq!(server.ask("ms name 5 T60 c\r\nvalue", 1), ["HD c1"]);
    server.kill();
    server.kill();
    assert!(TcpStream::connect(server.addr()).is_err());
    server.restart();
    assert_eq!(server.addr(), port);
    assert_ne!(server.pid(), pid);
    assert_eq!(server.ask("mg name v", 1), ["EN"]);
    assert_eq!(server.ask("ms name 5 T60 c\r\nother", 1), ["HD c1"]);
}

#[test]
fn a_memcached_ends_with_a_test_that_panics_even_if_it_is_stopped() {
    let mut seen = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let server = MemcachedServer::start(&[]);
        seen = Some(server.pid());
        server.stop();
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert!(!is_alive(seen.unwrap()));
}

#[test]
fn a_stopped_memcached_is_silent_until_it_goes_on() {
    let server = MemcachedServer::start(&[]);
    server.stop();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let server = &server;
        scope.spawn(move || tell.send(server.ask("mn", 1)).unwrap());
        let silence = told.recv_timeout(Duration::from_millis(100));
        assert_eq!(silence, Err(mpsc::RecvTimeoutError::Timeout));
        server.cont();
        let answer = told.recv_timeout(Duration::from_secs(5));
        assert_eq!(answer.unwrap(), ["MN"]);
    });
}

#[test]
fn a_memcached_is_given_files() {
    let server = MemcachedServer::start_with(&[("users", "app:secret\n")], &["-Y", "users"]);
    assert_eq!(server.ask("mn", 1), ["CLIENT_ERROR unauthenticated"]);
    let login = server.ask("set any 0 0 10\r\napp secret", 1);
    assert_eq!(login, ["STORED"]);
}

#[test]
#[should_panic(expected = "memcached did not start")]
fn a_memcached_that_does_not_start_says_why() {
    MemcachedServer::start(&["-I", "much"]);
}
