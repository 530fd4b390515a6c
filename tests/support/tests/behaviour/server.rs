//! A server lives as long as its handle, and not a moment longer.

use std::{
    env, fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use test_support::{Client, RedisServer, Reply};

fn text(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn directory(server: &RedisServer) -> String {
    let Reply::Array(setting) = server.raw(&["CONFIG", "GET", "dir"]) else {
        panic!("CONFIG GET answers with a list");
    };
    setting[1].text().expect("a directory").to_owned()
}

/// Whether the process runs; one that nobody has waited for yet (`Z`) does not.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

#[test]
fn a_server_answers_on_its_own_port_and_keeps_nothing_on_disk() {
    let server = RedisServer::start(&["--maxmemory", "4mb"]);
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(
        server.raw(&["SET", "k", "v"]),
        Reply::Status("OK".to_owned())
    );
    assert_eq!(server.raw(&["GET", "k"]), text("v"));
    assert_eq!(server.info("maxmemory").as_deref(), Some("4194304"));
    assert_eq!(server.info("process_id"), Some(server.pid().to_string()));
    assert_eq!(server.info("no_such_field"), None);
    assert_eq!(
        server.raw(&["CONFIG", "GET", "save"]),
        Reply::Array(vec![text("save"), text("")])
    );
}

#[test]
fn servers_run_side_by_side() {
    let servers: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| RedisServer::start(&[])))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    for server in &servers {
        server.raw(&["SET", "port", &server.port().to_string()]);
    }
    for server in &servers {
        assert_eq!(
            server.raw(&["GET", "port"]),
            text(&server.port().to_string())
        );
    }
}

#[test]
fn a_dropped_server_is_gone_with_its_directory() {
    let server = RedisServer::start(&[]);
    let (pid, dir) = (server.pid(), directory(&server));
    assert!(is_alive(pid) && Path::new(&dir).exists());
    drop(server);
    assert!(!is_alive(pid) && !Path::new(&dir).exists());
}

#[test]
fn a_server_ends_with_a_test_that_panics_even_if_it_is_stopped() {
    let mut seen = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let server = RedisServer::start(&[]);
        seen = Some((server.pid(), directory(&server)));
        server.stop();
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    let (pid, dir) = seen.unwrap();
    assert!(!is_alive(pid) && !Path::new(&dir).exists());
}

/// The other half of the next test: dies with a running server, without dropping anything.
#[test]
#[ignore = "aborts: the next test runs it in a process of its own"]
fn aborts_with_a_running_server() {
    let server = RedisServer::start(&[]);
    let report = env::var("REPORT").expect("where to tell of the server");
    fs::write(report, format!("{} {}", server.pid(), directory(&server))).unwrap();
    std::process::abort();
}

#[test]
fn a_server_ends_with_a_test_process_that_dies_by_a_signal() {
    let report = env::temp_dir().join(format!("larder-report-{}", std::process::id()));
    let status = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "server::aborts_with_a_running_server",
            "--ignored",
        ])
        .env("REPORT", &report)
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), None, "it dies by a signal");
    let told = fs::read_to_string(&report).unwrap();
    fs::remove_file(&report).unwrap();
    let (pid, dir) = told.split_once(' ').unwrap();

    let deadline = Instant::now() + Duration::from_secs(5);
    while is_alive(pid.parse().unwrap()) || Path::new(dir).exists() {
        assert!(Instant::now() < deadline, "the watchdog did not bark");
        thread::yield_now();
    }
}

#[test]
fn a_killed_server_refuses_and_a_restarted_one_is_empty_on_the_same_port() {
    let server = RedisServer::start(&[]);
    let (port, pid) = (server.port(), server.pid());
    server.raw(&["SET", "k", "v"]);
    server.kill();
    server.kill();
    let refused = Client::connect(server.addr()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    server.restart();
    assert_eq!(
        (server.port(), server.raw(&["GET", "k"])),
        (port, Reply::Nil)
    );
    assert_ne!(server.pid(), pid);
    server.restart_with(&["--maxmemory", "8mb"]);
    assert_eq!(server.info("maxmemory").as_deref(), Some("8388608"));
    server.restart();
    assert_eq!(server.info("maxmemory").as_deref(), Some("8388608"));
}

#[test]
fn a_stopped_server_is_silent_until_it_goes_on() {
    let server = RedisServer::start(&[]);
    let mut client = server.client();
    server.stop();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || tell.send(client.command(&["PING"]).unwrap()));
        let silence = told.recv_timeout(Duration::from_millis(100));
        assert_eq!(silence, Err(mpsc::RecvTimeoutError::Timeout));
        server.cont();
        let answer = told.recv_timeout(Duration::from_secs(5));
        assert_eq!(answer, Ok(Reply::Status("PONG".to_owned())));
    });
}

#[test]
fn the_admin_line_survives_killed_clients_and_new_passwords() {
    let server = RedisServer::start(&[]);
    let mut client = server.client();
    client.command(&["PING"]).unwrap();
    assert_eq!(
        server.raw(&["CLIENT", "KILL", "TYPE", "normal"]),
        Reply::Int(1)
    );
    assert!(client.command(&["PING"]).is_err());

    server.raw(&["CONFIG", "SET", "requirepass", "secret"]);
    let refusal = server.client().command(&["PING"]).unwrap();
    assert!(refusal.is_error() && refusal.text().unwrap().starts_with("NOAUTH"));
    server.raw(&["SCRIPT", "FLUSH"]);
    server.raw(&["FLUSHALL"]);
}

#[test]
fn a_server_with_a_password_starts() {
    let server = RedisServer::start(&["--requirepass", "secret"]);
    server.raw(&["AUTH", "secret"]);
    assert_eq!(server.raw(&["DBSIZE"]).int(), Some(0));
}

#[test]
#[should_panic(expected = "the server refused `CONFIG SET maxmemory much`")]
fn a_refused_admin_command_fails_the_test() {
    RedisServer::start(&[]).raw(&["CONFIG", "SET", "maxmemory", "much"]);
}

#[test]
#[should_panic(expected = "argument must be a memory value")]
fn a_server_that_does_not_start_says_why() {
    RedisServer::start(&["--maxmemory", "much"]);
}
