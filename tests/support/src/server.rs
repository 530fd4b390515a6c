//! How a real Redis server lives in a test: its port, its directory, its end, its admin line.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    port,
    process::{Process, TempDir},
    resp::{Client, Reply},
};

/// How long a server may take to start, to stop, or to go on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How often the start is tried again when somebody else was faster at taking the port.
pub(crate) const ATTEMPTS: usize = 10;

/// What is said where tests cannot run.
const MISSING: &str =
    "`redis-server` is not on the PATH: run the tests by `./test`, which sees to it";

/// A `redis-server` of one's own, on a free loopback port and in a directory of its own, without
/// persistence. It is killed and its directory removed on drop, also after a panic; if the test
/// process itself dies, by a watchdog.
///
/// The methods block for some milliseconds. They take `&self`, so that a server can be killed
/// while a load runs against it.
#[derive(Debug)]
pub struct RedisServer {
    // The process ends before its directory goes: fields are dropped in this order.
    process: Mutex<Option<Process>>,
    admin: Mutex<Option<Client>>,
    args: Mutex<Vec<String>>,
    dir: TempDir,
    port: u16,
}

/// Why a server did not start.
pub(crate) enum Failed {
    PortTaken,
    Otherwise(String),
}

impl RedisServer {
    /// Starts a server and waits until it answers. `args` follow, and so override, our own
    /// arguments: `&["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    ///
    /// If `redis-server` is missing or refuses to start; the message holds its log.
    pub fn start(args: &[&str]) -> Self {
        Self::start_by(|| args.iter().map(|&arg| arg.to_owned()).collect())
    }

    /// As [`start`](Self::start), with arguments that are made anew for each attempt: they may
    /// name ports that somebody else is faster to take.
    pub(crate) fn start_by(args: impl Fn() -> Vec<String>) -> Self {
        let dir = TempDir::new().expect("the system's temporary directory is writable");
        for _ in 0..ATTEMPTS {
            let (port, args) = (free_port(), args());
            match launch(&dir, port, &args) {
                Err(Failed::PortTaken) => {}
                Err(Failed::Otherwise(reason)) => panic!("{reason}"),
                Ok(process) => {
                    return Self {
                        process: Mutex::new(Some(process)),
                        admin: Mutex::new(None),
                        args: Mutex::new(args),
                        dir,
                        port,
                    };
                }
            }
        }
        panic!("redis-server found no free port in {ATTEMPTS} attempts");
    }

    /// Where it listens, as a URL: `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port it listens on, the same for its whole life.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn pid(&self) -> u32 {
        self.running(Process::pid)
    }

    /// Kills it at once (SIGKILL), with everything it holds. Nothing happens if it is dead.
    pub fn kill(&self) {
        drop(lock(&self.process).take());
        drop(lock(&self.admin).take());
    }

    /// Freezes it (SIGSTOP): the system still accepts connections and bytes for it, but nothing
    /// is answered until [`cont`](Self::cont). Returns when it stands still.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn stop(&self) {
        self.running(|process| {
            process
                .signal("STOP")
                .expect("a running server can be stopped");
            await_stopped(process.pid());
        });
    }

    /// Lets it go on after [`stop`](Self::stop) (SIGCONT): it then does all it was asked meanwhile.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn cont(&self) {
        self.running(|process| process.signal("CONT").expect("a running server can go on"));
    }

    /// Kills it, if it still runs, and starts it again, empty, on the same port with the same
    /// arguments.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&self) {
        let args = lock(&self.args).clone();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.restart_with(&args);
    }

    /// As [`restart`](Self::restart), with other arguments, which stay for later restarts.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart_with(&self, args: &[&str]) {
        self.kill();
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let process = match launch(&self.dir, self.port, &args) {
            Ok(process) => process,
            Err(Failed::PortTaken) => panic!("another process has taken port {}", self.port),
            Err(Failed::Otherwise(reason)) => panic!("{reason}"),
        };
        *lock(&self.process) = Some(process);
        *lock(&self.args) = args;
    }

    /// Sends one command over the admin line, a connection that is kept: it stays authenticated
    /// when the password changes, and `CLIENT KILL` skips it. Refusals are asked for by a
    /// [`client`](Self::client).
    ///
    /// ```no_run
    /// # let server = test_support::RedisServer::start(&[]);
    /// server.raw(&["CONFIG", "SET", "maxmemory", "4mb"]);
    /// server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
    /// ```
    ///
    /// # Panics
    ///
    /// If it refuses, so that a test never goes on without what it prepared; or if it does not
    /// answer within 10 s, because it was killed or stopped.
    pub fn raw(&self, args: &[&str]) -> Reply {
        let command = args.join(" ");
        match self.try_raw(args) {
            Ok(Reply::Error(reason)) => panic!("the server refused `{command}`: {reason}"),
            Ok(reply) => reply,
            Err(error) => panic!("the server did not answer `{command}`: {error}"),
        }
    }

    /// A new connection, for commands that may be refused.
    ///
    /// # Panics
    ///
    /// If it accepts no connection.
    pub fn client(&self) -> Client {
        Client::connect(self.addr()).expect("a running server accepts connections")
    }

    /// The value of one field of `INFO`, such as `evicted_keys`; `None` if there is no such field.
    ///
    /// # Panics
    ///
    /// As [`raw`](Self::raw).
    pub fn info(&self, field: &str) -> Option<String> {
        let info = self.raw(&["INFO", "everything"]);
        info.text()?
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| (name == field).then(|| value.to_owned()))
    }

    fn try_raw(&self, args: &[&str]) -> io::Result<Reply> {
        let mut admin = lock(&self.admin);
        // A kept line may have been closed meanwhile: who is told whom to follow closes all.
        let kept = admin
            .take()
            .map(|mut client| (client.command(args), client));
        let (reply, client) = match kept {
            Some((Ok(reply), client)) => (reply, client),
            Some((Err(error), _)) if !was_closed(&error) => return Err(error),
            _ => {
                let mut client = Client::connect(self.addr())?;
                (client.command(args)?, client)
            }
        };
        // The line is put back only if it is known to be in step.
        *admin = Some(client);
        Ok(reply)
    }

    fn running<T>(&self, act: impl FnOnce(&Process) -> T) -> T {
        act(lock(&self.process)
            .as_ref()
            .expect("the server runs, it was not killed"))
    }
}

fn was_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

pub(crate) fn free_port() -> u16 {
    let addr = port::listen().local_addr();
    addr.expect("a listener has an address").port()
}

fn launch(dir: &TempDir, port: u16, args: &[String]) -> Result<Process, Failed> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(args);
    start(command, dir, port, "Ready to accept connections")
}

/// Runs a `redis-server` in its directory until it has said that it is `ready` and answers.
pub(crate) fn start(
    mut command: Command,
    dir: &TempDir,
    port: u16,
    ready: &str,
) -> Result<Process, Failed> {
    // Not appended to: words of an earlier life would say too early that the server is ready.
    let log = dir.path().join("redis.log");
    let output = File::create(&log).expect("our own directory is writable");
    let errors = output.try_clone().expect("a file has more than one handle");
    command.stdout(output).stderr(errors);
    let mut process = Process::spawn(&mut command, dir.path()).map_err(|error| {
        Failed::Otherwise(match error.kind() {
            io::ErrorKind::NotFound => MISSING.to_owned(),
            _ => format!("redis-server could not be started: {error}"),
        })
    })?;
    await_ready(&mut process, &log, ready)?;
    // A refusal for want of a password is an answer too.
    Client::connect((Ipv4Addr::LOCALHOST, port).into())
        .and_then(|mut client| client.command(&["PING"]))
        .map_err(|error| Failed::Otherwise(format!("redis-server does not answer: {error}")))?;
    Ok(process)
}

/// Waits for the server's own word that it is ready, since whatever answers on its port may be
/// another test's server.
fn await_ready(process: &mut Process, log: &Path, ready: &str) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Asked before the log is read, so that the last words of a dead server are in it.
        let ended = process.has_ended().unwrap_or(true);
        let words = fs::read_to_string(log).unwrap_or_default();
        if words.contains(ready) && !ended {
            return Ok(());
        }
        if ended && words.contains("Address already in use") {
            return Err(Failed::PortTaken);
        }
        if ended || Instant::now() > deadline {
            return Err(Failed::Otherwise(format!(
                "redis-server did not start:\n{words}"
            )));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the system says that the process stands still; where it cannot say, at once.
pub(crate) fn await_stopped(pid: u32) {
    let deadline = Instant::now() + PATIENCE;
    while let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The state follows the name of the program, which stands in parentheses.
        let state = stat.rsplit(") ").next().unwrap_or_default();
        if state.starts_with('T') {
            return;
        }
        assert!(Instant::now() < deadline, "the server did not stop");
        thread::yield_now();
    }
}

/// A test that panicked while it held the lock must not hide its message behind another.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
