//! How a master, its replicas and their sentinels live in a test, and when a switch is done.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    process::{Process, TempDir},
    resp::{Client, Reply},
    server::{ATTEMPTS, Failed, RedisServer, await_stopped, free_port, lock, start},
};

/// How many sentinels watch, and how many of them must agree that the master is gone.
const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// How long a master may be silent before a sentinel takes it for gone.
const DOWN_AFTER: Duration = Duration::from_secs(1);
/// How long a switch may take, and half of the time until a failed one is tried again.
const FAILOVER: Duration = Duration::from_secs(5);
/// How long the sentinels may take to find each other, or to agree on another master: elections
/// are drawn by lot, and a failed one is repeated.
const SLOW: Duration = Duration::from_secs(40);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// One `redis-sentinel`, ended as a [`RedisServer`] is.
#[derive(Debug)]
pub struct Sentinel {
    process: Mutex<Option<Process>>,
    // After the process: fields are dropped in this order.
    _dir: TempDir,
    port: u16,
}

impl Sentinel {
    fn start(master: SocketAddr, lines: &[&str]) -> Self {
        let dir = TempDir::new().expect("the system's temporary directory is writable");
        for _ in 0..ATTEMPTS {
            let port = free_port();
            let file = dir.path().join("sentinel.conf");
            fs::write(&file, config(port, master, lines)).expect("our own directory is writable");
            let mut command = Command::new("redis-server");
            command.arg(&file).arg("--sentinel");
            match start(command, &dir, port, "Sentinel ID is") {
                Err(Failed::PortTaken) => {}
                Err(Failed::Otherwise(reason)) => panic!("{reason}"),
                Ok(process) => {
                    return Self {
                        process: Mutex::new(Some(process)),
                        _dir: dir,
                        port,
                    };
                }
            }
        }
        panic!("a sentinel found no free port in {ATTEMPTS} attempts");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it at once. Nothing happens if it is dead.
    pub fn kill(&self) {
        drop(lock(&self.process).take());
    }

    /// Freezes it: it still accepts connections, and never answers.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn stop(&self) {
        let process = lock(&self.process);
        let process = process.as_ref().expect("the sentinel runs");
        process.signal("STOP").expect("it can be stopped");
        await_stopped(process.pid());
    }

    /// Sends one command over a new connection; `None` if it does not answer.
    fn ask(&self, command: &[&str]) -> Option<Reply> {
        let answer = || -> io::Result<Reply> { Client::connect(self.addr())?.command(command) };
        answer().ok().filter(|reply| !reply.is_error())
    }

    /// A field of what it knows of the master.
    fn field(&self, name: &str) -> Option<String> {
        let Reply::Array(fields) = self.ask(&["SENTINEL", "MASTER", SentinelGroup::NAME])? else {
            return None;
        };
        let mut pairs = fields.chunks_exact(2);
        let pair = pairs.find(|pair| pair[0].text() == Some(name))?;
        pair[1].text().map(str::to_owned)
    }

    /// The port of the master that it names.
    fn master(&self) -> Option<u16> {
        let asked = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelGroup::NAME];
        match self.ask(&asked)? {
            Reply::Array(parts) => parts.get(1)?.text()?.parse().ok(),
            _ => None,
        }
    }
}

fn config(port: u16, master: SocketAddr, lines: &[&str]) -> String {
    let (name, ip, of) = (SentinelGroup::NAME, master.ip(), master.port());
    let (down, failover) = (DOWN_AFTER.as_millis(), FAILOVER.as_millis());
    let mut config = format!(
        "port {port}\nbind 127.0.0.1\n\
         sentinel monitor {name} {ip} {of} {QUORUM}\n\
         sentinel down-after-milliseconds {name} {down}\n\
         sentinel failover-timeout {name} {failover}\n\
         sentinel parallel-syncs {name} 2\n"
    );
    for line in lines {
        config.push_str(line);
        config.push('\n');
    }
    config
}

/// A master, its replicas, and three sentinels that put a replica in its place when it has been
/// silent for a second. All listen on free loopback ports and end with this value.
///
/// The methods block for some milliseconds, those that wait for something for up to 40 s.
#[derive(Debug)]
pub struct SentinelGroup {
    // Shared, so that what breaks a server may live on its own while a load runs.
    servers: Vec<Arc<RedisServer>>,
    sentinels: Vec<Sentinel>,
}

impl SentinelGroup {
    /// By what name the sentinels know the master.
    pub const NAME: &str = "larder";

    /// Starts a master with so many replicas, and waits until all are in sync and the sentinels
    /// know them and each other.
    ///
    /// # Panics
    ///
    /// If `redis-server` is missing or refuses to start.
    pub fn start(replicas: usize) -> Self {
        Self::start_with(replicas, &[], &[])
    }

    /// The same, with arguments for each server and lines for the settings of each sentinel.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with(replicas: usize, args: &[&str], lines: &[&str]) -> Self {
        // A replica gets its first copy at once, and not with those that come seconds later.
        let args: Vec<&str> = ["--repl-diskless-sync-delay", "0"]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let master = RedisServer::start(&args);
        let port = master.port().to_string();
        let of: Vec<&str> = ["--replicaof", "127.0.0.1", &port]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let mut servers = vec![Arc::new(master)];
        servers.extend((0..replicas).map(|_| Arc::new(RedisServer::start(&of))));
        await_that("the replicas are in sync", || {
            replicas_in_sync(&servers[0]) == replicas
        });
        let watch = || Sentinel::start(servers[0].addr(), lines);
        let sentinels: Vec<_> = (0..SENTINELS).map(|_| watch()).collect();
        let group = Self { servers, sentinels };
        group.await_watched();
        group
    }

    fn await_watched(&self) {
        let others = (self.sentinels.len() - 1).to_string();
        let replicas = (self.servers.len() - 1).to_string();
        for sentinel in &self.sentinels {
            await_that("the sentinels know everybody", || {
                sentinel.field("num-other-sentinels").as_ref() == Some(&others)
                    && sentinel.field("num-slaves").as_ref() == Some(&replicas)
            });
        }
    }

    /// All servers; the first was the master at the start.
    pub fn servers(&self) -> &[Arc<RedisServer>] {
        &self.servers
    }

    /// The sentinels.
    pub fn sentinels(&self) -> &[Sentinel] {
        &self.sentinels
    }

    /// The master, as most of the sentinels that answer have it.
    ///
    /// # Panics
    ///
    /// If none answers.
    pub fn master(&self) -> &Arc<RedisServer> {
        let named: Vec<u16> = self.sentinels.iter().filter_map(Sentinel::master).collect();
        let votes = |port: u16| named.iter().filter(|&&one| one == port).count();
        let servers = self.servers.iter();
        let master = servers.max_by_key(|server| votes(server.port()));
        assert!(!named.is_empty(), "no sentinel answers");
        master.expect("there is a server")
    }

    /// All servers but the [`master`](Self::master).
    ///
    /// # Panics
    ///
    /// As [`master`](Self::master).
    pub fn replicas(&self) -> Vec<&Arc<RedisServer>> {
        let master = self.master().port();
        let servers = self.servers.iter();
        servers.filter(|server| server.port() != master).collect()
    }

    /// Where the master is asked for: `redis+sentinel://host:port,host:port,host:port/larder`.
    pub fn url(&self) -> String {
        let addrs: Vec<String> = self.addrs();
        format!("redis+sentinel://{}/{}", addrs.join(","), Self::NAME)
    }

    /// The addresses of the sentinels, `host:port` each.
    pub fn addrs(&self) -> Vec<String> {
        let sentinels = self.sentinels.iter();
        sentinels.map(|one| one.addr().to_string()).collect()
    }

    /// Waits until so many replicas have all that the master has written.
    ///
    /// # Panics
    ///
    /// If that takes 40 s.
    pub fn await_in_sync(&self, replicas: usize) {
        await_that("the replicas are in sync", || {
            replicas_in_sync(self.master()) >= replicas
        });
    }

    /// Asks a sentinel to put a replica in the master's place now, although it lives.
    ///
    /// # Panics
    ///
    /// If none agrees within 40 s.
    pub fn fail_over(&self) {
        let command = ["SENTINEL", "FAILOVER", Self::NAME];
        await_that("a sentinel fails over", || {
            self.sentinels.iter().any(|one| one.ask(&command).is_some())
        });
    }

    /// Lets the sentinels believe in a master that is silent for this long, which is a second at
    /// first. On a busy machine one that is well may be so.
    ///
    /// # Panics
    ///
    /// If one of them does not answer.
    pub fn believe_in(&self, silent: Duration) {
        let silent = silent.as_millis().to_string();
        let name = Self::NAME;
        let set = ["SENTINEL", "SET", name, "down-after-milliseconds", &silent];
        for sentinel in &self.sentinels {
            let answer = Client::connect(sentinel.addr());
            let answer = answer.and_then(|mut client| client.command(&set));
            let answer = answer.expect("a sentinel answers");
            assert!(!answer.is_error(), "{answer:?}");
        }
    }

    /// Waits until a server other than `old` is the master, by its own word and that of most
    /// sentinels, and gives the moment at which that was seen.
    ///
    /// # Panics
    ///
    /// If that takes 40 s.
    pub fn await_switch(&self, old: &RedisServer) -> Instant {
        await_that("another master", || {
            let named = self.sentinels.iter().filter_map(Sentinel::master);
            let others = named.filter(|&port| port != old.port()).count();
            others >= QUORUM && is_master(self.master())
        });
        Instant::now()
    }
}

/// How many replicas have acknowledged all that this server has written.
fn replicas_in_sync(server: &RedisServer) -> usize {
    let written = server.info("master_repl_offset");
    let written = written.expect("a field").parse::<u64>().expect("a number");
    let states = (0..).map_while(|at| server.info(&format!("slave{at}")));
    let in_sync = |state: &String| {
        let field = |name| {
            let mut fields = state.split(',').filter_map(|field| field.split_once('='));
            fields.find_map(|(key, value)| (key == name).then_some(value))
        };
        let offset = field("offset").and_then(|offset| offset.parse::<u64>().ok());
        field("state") == Some("online") && offset >= Some(written)
    };
    states.filter(in_sync).count()
}

fn is_master(server: &RedisServer) -> bool {
    server.info("role").as_deref() == Some("master")
}

fn await_that(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + SLOW;
    while !is() {
        assert!(Instant::now() < deadline, "not so within {SLOW:?}: {what}");
        thread::sleep(LOOK);
    }
}
